"""Any objective and alert over any series, judged by compiled rules in promtool and by the evaluator in memory.

`making` makes up cells: an objective or an alert, and what its series do. `looking` tells what the evaluator does with
one, minute by minute, and what is left of it where the differences of docs/parity.md are taken away; `judging` asks
promtool whether the compiled rules do the same, for many cells in one process.
"""

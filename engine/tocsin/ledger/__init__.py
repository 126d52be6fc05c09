"""The ledger: good and bad events of every objective in slices of time, and the budgets that follow from them.

Pure: what fills it asks a metric source elsewhere, what keeps it writes chunks elsewhere (`tocsin.adapters`). It is the
one package of the core that needs numpy, so `tocsin check` and `tocsin compile` do not import it.
"""

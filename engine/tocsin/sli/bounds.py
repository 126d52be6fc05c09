"""Cheaper expressions between which an SLI lies: no fewer bad events, and no more events, than it counts.

Telling births apart (`newborn`) is four fifths of the text of a ratio and of its evaluation. Who only has to know that
few events are bad may take each new series for a birth that counts in full, beside what `rate` says of it.
"""

from dataclasses import replace

from tocsin.promql import over, shifted, summed
from tocsin.sli.base import Sli
from tocsin.sli.query import events, seconds_of
from tocsin.sli.ratio import RatioSli


def bounds(sli: Sli, window: str) -> tuple[str, str]:
    r"""At least the bad events per second over *window*, and at most all of them; exact where that costs little.

    >>> print(*bounds(RatioSli("all", bad_events="bad", new_series=True), "5m"), sep="\n")
    ((sum(rate(bad[5m])) or vector(0)) + (sum(max_over_time(bad[5m]) unless bad offset 5m) / 300 or vector(0)))
    sum(rate(all[5m]))
    """
    if not isinstance(sli, RatioSli) or sli.by or sli.births is not None:
        return sli.bad(window), sli.total(window)
    plain = replace(sli, new_series=False)
    total = plain.total(window)
    if sli.bad_events is not None and sli.missing_errors:
        bad = f"({events(sli.bad_events, window, 'rate', ())} or vector(0))"
    else:
        bad = plain.bad(window)
    if sli.new_series and sli.counts_births():
        one = sli.total_events if sli.bad_events is None else sli.bad_events  # births of good events make fewer bad
        born = summed(f"max_over_time({over(one, window)}) unless {shifted(one, window)}", ())
        bad = f"({bad} + ({born} / {seconds_of(window)} or vector(0)))"
    return bad, total

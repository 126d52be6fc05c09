"""Series that are born with what they count: the first errors of a route, of a status code, of a reason."""

from tocsin.promql import is_windowed, over, shifted, tidy
from tocsin.units import Duration


def from_birth(selector: str, total: str, window: str, function: str) -> str | None:
    """Events of *selector*, where a series that is new on a target that is not counts with its whole value.

    `rate` needs two samples, so the errors with which a series is born are lost to it, and they may be all there are.
    A series is new if it was not there at the start of the window. Its target is not new if one of its *total* series
    was there, and is the same now, in the same scrape: a target that is scraped for the first time or after a pause, a
    Prometheus that was away, and labels that were changed by relabelling make all series of a target look new, and then
    none is.
    Where the counter was reset in between, its increase may be the larger of the two, and then that is taken.

    None where one of the texts is no plain selector, or looks back by itself.
    """
    if is_windowed(selector) or is_windowed(total):
        return None
    one, before, known = tidy(selector), shifted(selector, window), shifted(total, window)
    if before is None or known is None:
        return None
    counted = f"{function}({over(selector, window)})"
    increase = f"increase({over(selector, window)})"
    seconds = f" / {Duration.parse(window).milliseconds // 1000}" if function == "rate" else ""
    return (
        f"\n  ({one} unless {before}\n"
        f"    and timestamp({one}) <= on (job, instance) group_left ()\n"
        f"      max by (job, instance) (timestamp({tidy(total)}) and {known})\n"
        f"    unless {one} <= {increase}){seconds}\n"
        f"  or {counted}\n"
    )

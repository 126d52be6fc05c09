"""Series that are born with what they count: the first errors of a route, of a status code, of a reason.

`rate` needs two samples, so the events with which a series is born are lost to it, and they may be all there are. Such
a series counts with the highest value that it has had: what it counted since zero, or less where it was reset.

A series is new if it was not there before. Its target is not new if one of its series of *all* events was there before
that, and is the same now, in the same scrape: a target that is scraped for the first time or after a pause, a
Prometheus that was away, and labels that were changed by relabelling make all series of a target look new, and then
none is.
"""

from tocsin.promql import is_windowed, over, shifted, tidy

JUST_NOW = "5m"
"""A series that is older is found by an instant selector that looks as far back."""
_BEFORE = "10m"
"""So long a target has been there when it gets a series: what it shows in its first five minutes is no news."""
_FORGOTTEN = "1h"
"""What is seen again within this time is not born again, so that an exporter may leave series out for a while."""


def countable(selector: str, total: str) -> bool:
    """Whether births can be told: not where one of the texts is no plain selector, or looks back by itself."""
    return not any(is_windowed(text) or shifted(text, JUST_NOW) is None for text in (selector, total))


def born_within(selector: str, total: str, window: str) -> str:
    """What each series of *selector* has counted that was not there at the start of *window*."""
    known = f"timestamp({tidy(selector)}) <= {_target(total, window)}"
    return f"max_over_time({over(selector, window)}) unless {shifted(selector, window)}\n    and {known}"


def born_just_now(selector: str, total: str) -> str:
    """Each series of *selector* that was born in the last five minutes; the value is the time of its last sample."""
    seen = f"last_over_time({over(selector, _FORGOTTEN)} offset {JUST_NOW})"
    return f"(timestamp({tidy(selector)}) unless {seen})\n    <= {_target(total, _BEFORE)}"


def _target(total: str, ago: str) -> str:
    """What a series of a target that was there *ago* is no newer than, for it belongs to the same scrape."""
    return (
        f"on (job, instance) group_left ()\n"
        f"      max by (job, instance) (timestamp({tidy(total)}) and {shifted(total, ago)})"
    )

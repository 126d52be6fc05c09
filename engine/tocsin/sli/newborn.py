"""Series that are born with what they count: the first errors of a route, of a status code, of a reason.

`rate` needs two samples, so the events with which a series is born are lost to it, and they may be all there are. Such
a series counts with the highest value that it has had, which is what it counted since zero, or with what `rate` says,
if that is more: after a reset it is. So nothing is ever told later than without.

A series is new if it was not there before. Its target is not new if one of its series of *all* events was there before
that, and is there now, of the same scrape: a target that is scraped for the first time or after a pause, a Prometheus
that was away, and labels that were changed by relabelling make all series of a target look new, and then none is.
Series of one scrape have one time, to the millisecond. Targets are told apart by job, instance and pod; without an
instance nobody can tell, and no series is new.
"""

from tocsin.promql import is_windowed, over, shifted, tidy, with_matcher

MARK = "slo_ref"
"""The label by which births stand beside the rates of the same series."""
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
    """What each series of *selector* has counted that was not there at the start of *window*, and MARK."""
    known = f"timestamp({tidy(selector)}) {_in_a_scrape_of(total, window)}"
    born = f"max_over_time({over(selector, window)}) unless {shifted(selector, window)}\n    and {known}"
    return f'label_replace({born}, "{MARK}", "new", "", "")'


def with_births(born: str, rated: str) -> str:
    """The greater of what *born*, told by MARK, and *rated* say of each series."""
    return f"max without ({MARK}) (\n    {born}\n    or {rated}\n  )"


def born_just_now(selector: str, total: str) -> str:
    """Each series of *selector* that was born in the last five minutes; the value is the time of its last sample."""
    seen = f"last_over_time({over(selector, _FORGOTTEN)} offset {JUST_NOW})"
    return f"(timestamp({tidy(selector)}) unless {seen})\n    {_in_a_scrape_of(total, _BEFORE)}"


def _in_a_scrape_of(total: str, ago: str) -> str:
    """Compare a time with that of the last scrape of each target that was there *ago*."""
    target = with_matcher(tidy(total), 'instance!=""')
    return (
        f"== on (job, instance, pod) group_left ()\n"
        f"      max by (job, instance, pod) (timestamp({target}) and {shifted(target, ago)})"
    )

"""Series that are born with what they count: the first errors of a route, of a status code, of a reason.

`rate` needs two samples, so the events with which a series is born are lost to it, and they may be all there are. They
are what its first sample says, and what `rate` counts comes after that.

A series is new if it was not there before. Its target is not new if one of its series of *all* events was there, and is
the same now, in the same scrape: a target that is scraped for the first time or after a pause, a Prometheus that was
away, and labels that were changed by relabelling make all series of a target look new, and then none is.
"""

from tocsin.promql import is_windowed, over, shifted, tidy

JUST_NOW = "5m"
"""A series that is older is found by an instant selector that looks as far back."""
_FORGOTTEN = "1h"
"""What is seen again within this time is not born again, so that an exporter may leave series out for a while."""


def countable(selector: str, total: str) -> bool:
    """Whether births can be told: not where one of the texts is no plain selector, or looks back by itself."""
    return not any(is_windowed(text) or shifted(text, JUST_NOW) is None for text in (selector, total))


def born_within(selector: str, total: str, window: str) -> str:
    """With what each series of *selector* was born that was not there at the start of *window*.

    The rows have a label more than those of a rate, so that both can be added up.
    """
    born = _first_values(selector, total, window, f"{shifted(selector, window)}")
    return f'label_replace({born}, "born", "{window}", "", "")'


def born_just_now(selector: str, total: str) -> str:
    """With what each series of *selector* was born in the last five minutes."""
    return _first_values(selector, total, JUST_NOW, f"last_over_time({over(selector, _FORGOTTEN)} offset {JUST_NOW})")


def _first_values(selector: str, total: str, window: str, before: str) -> str:
    """A counter only falls when it begins again, so its least value is its first one, or less."""
    return (
        f"min_over_time({over(selector, window)}) unless {before}\n"
        f"    and timestamp({tidy(selector)}) <= on (job, instance) group_left ()\n"
        f"      max by (job, instance) (timestamp({tidy(total)}) and {shifted(total, window)})"
    )

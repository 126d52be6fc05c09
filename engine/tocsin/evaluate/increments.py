"""What each series of a counter counted in a stretch of hours, as the ledger counts it from samples.

`increase` stretches what it saw to the ends of its window, and does not see what a series is born with. Here the last
sample of a stretch is compared with the last one before it, so stretches that follow each other have each increment
once, a gap between them loses none, and counts are whole numbers. All that is needed of a series are a few of its
samples (`Look`), and no server reads any of them more than a few times for it.

* A counter that is lower than before started anew, and counted all of what it shows.
* One that was higher within the stretch than it is at its end counted up to there, and what it shows. Where a counter
  was reset and `increase` says more, it was reset twice or has outrun its old value.
* A series that is new counts from zero where its target is older or young, else what it rose by since its first sample.

Targets, births and youth are those of `tocsin.ledger.births`. A target is older if a series of all events that it had
before is in the same scrape as the one that is new: else labels were changed, and everything looks new. Times of
samples are dear within a range query (a Prometheus before 2.47 reads all of the range for each), so of stretches that
ended a while ago both have to be seen in the minutes since. Who is gone by then is taken at its word.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite

from tocsin.evaluate.asking import MARK, labelled
from tocsin.ledger.births import YOUNG, Target
from tocsin.ports import Labels
from tocsin.promql import over, tidy
from tocsin.units import Duration

BEHIND = Duration.of(minutes=5)
"""So far an instant selector looks back: what has no sample within it is gone."""
REMEMBERED = Duration.of(days=1)
"""Who comes back within this time is not new."""


@dataclass(slots=True)
class Look:
    """What is known of one series and one stretch; None where it has no such sample."""

    before: float | None = None
    """Its last sample in the day before."""
    last: float | None = None
    least: float = 0.0
    most: float = 0.0
    reset: float = 0.0
    """What `increase` says, where it was reset."""
    slope: float = 0.0
    """What it rises by in a second, where that is asked."""
    scrape: float | None = None
    """Which scrape at the end it is in; None where it is gone by then."""


Looks = Mapping[Labels, Look]
Events = Mapping[Labels, float]
"""By the labels of their series."""


def query(selector: str, stretch: Duration, *, past: bool, slopes: bool) -> str:
    """Ask for the looks at series of *selector*; with *past* for a stretch that ended BEHIND ago.

    What was before is not asked of the past: there it is the last sample of another stretch (`remembered`).
    """
    within = f"{over(selector, str(stretch))}{f' offset {BEHIND}' if past else ''}"
    before = f"last_over_time({over(selector, str(REMEMBERED))} offset {stretch})"
    looks = {
        "last": f"last_over_time({within})",
        "least": f"min_over_time({within})",
        "most": f"max_over_time({within})",
        "reset": f"increase({within}) and resets({within}) > 0",
    }
    if past:
        looks["scrape"] = f"0 * last_over_time({over(selector, str(BEHIND))})"
    else:
        looks |= {"before": before, "scrape": f"timestamp({tidy(selector)})"}
    return labelled(looks | ({"slope": f"deriv({within})"} if slopes else {}))


def read(rows: Iterable[tuple[Labels, float]]) -> Looks:
    """Read the rows of one stretch back."""
    found: dict[Labels, Look] = {}
    for labels, value in rows:
        mark = next(text for name, text in labels if name == MARK)
        series = tuple(pair for pair in labels if pair[0] not in {MARK, "__name__"})
        if isfinite(value):
            setattr(found.setdefault(series, Look()), mark, value)
    return found


def remembered(looks: Mapping[float, Looks], stretch: Duration) -> Iterator[tuple[float, Looks]]:
    """The same stretches, by the time at which each was asked for, with what was before it in the others."""
    kept: dict[Labels, tuple[float, float]] = {}
    for time, each in sorted(looks.items()):
        oldest = time - float(stretch.seconds + REMEMBERED.seconds)
        before = {series: last for series, (at, last) in kept.items() if at > oldest}
        found = {series: each.get(series, Look()) for series in each.keys() | before.keys()}
        for series, look in found.items():
            look.before = before.get(series)
        yield time, found
        kept |= {series: (time, look.last) for series, look in each.items() if look.last is not None}


def counted(part: Looks, total: Looks, *, births: bool) -> Events:
    """What the series of *part* counted; those of *total* tell which targets are known."""
    known = _Targets(total)
    return {
        series: _events(look, look.last, zero=births and look.before is None and known.counts_births(series, look))
        for series, look in part.items()
        if look.last is not None
    }


def _events(look: Look, last: float, *, zero: bool) -> float:
    again = last if look.most > last else 0.0
    if look.before is None:
        return max(look.reset, look.most + again if zero else last - look.least)
    since = look.before if look.before <= look.least else 0.0
    return max(look.reset, last - since, look.most - look.before + again)


class _Targets:
    """Which targets were there before the stretch, which of their scrapes older series are in, and which are young."""

    def __init__(self, total: Looks) -> None:
        old = {series: look for series, look in total.items() if look.before is not None}
        self._older = {_target(series) for series in old}
        self._scrapes = {(_target(series), look.scrape) for series, look in old.items() if look.scrape is not None}
        self._young = set(_young(total)) if old else set()

    def counts_births(self, series: Labels, look: Look) -> bool:
        """Whether a series that is new counts from zero."""
        target = _target(series)
        if look.scrape is None and target in self._older:
            return True
        return (target, look.scrape) in self._scrapes or target in self._young


def _young(total: Looks) -> Iterator[Target]:
    """Targets that had counted no more by their first samples than they do in YOUNG seconds."""
    had: dict[Target, float] = {}
    for series, look in total.items():
        if look.last is not None:
            target = _target(series)
            had[target] = had.get(target, 0.0) + look.least - YOUNG * look.slope
    return (target for target, more in had.items() if more <= 0)


def _target(series: Labels) -> Target:
    have = dict(series)
    return have.get("job", ""), have.get("instance", "")

"""Which values of a label spent the budget: bad events by value, with their shares, the first few and the rest named.

Events are counted as the ledger counts them (`tocsin.evaluate.tally`), so that what is attributed in a time range is
what the budget counts in it: also what series are born with, what pods counted that are gone, and what was counted over
a gap. The sum of the parts is the whole by construction: what no first value spent is the rest, and events of series
without the label are a value of their own.

Both are asked for by series, which say what labels there are: four questions however long the range is and however many
labels and groups there are, two where it is no longer than six hours. An SLI that is no plain counter is asked for each
label that somebody names.

Of an SLI over slices the events in the slices are attributed, not the slices: a slice has no labels.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import fsum, inf

from tocsin.evaluate.asking import MARK, Asker, Unanswered
from tocsin.evaluate.increments import Events
from tocsin.evaluate.tally import measured, tally
from tocsin.evaluate.words import percent
from tocsin.ports import Labels
from tocsin.proofs.selectors import selectors
from tocsin.sli import Counters, Sli, SlicedSli
from tocsin.units import Duration

MOST_LABELS = 12
"""Labels looked at where nobody names any."""
_NO_LABELS = frozenset({"__name__", "le", "quantile"})


@dataclass(frozen=True, slots=True)
class Part:
    """Events of one value of a label, or of all *values* that are not told one by one."""

    value: str
    bad: float
    total: float
    values: int = 1


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who spent the budget, by the values of *label*: *first* by bad events, *rest* together; empty values last.

    `bad` is the sum of all parts; a part's value is empty where series do not have the label.
    """

    label: str
    first: tuple[Part, ...]
    rest: Part | None

    @property
    def parts(self) -> tuple[Part, ...]:
        """All of them."""
        return self.first if self.rest is None else (*self.first, self.rest)

    @property
    def bad(self) -> float:
        """All bad events."""
        return fsum(part.bad for part in self.parts)

    @property
    def total(self) -> float:
        """All events."""
        return fsum(part.total for part in self.parts)

    def share(self, part: Part) -> float:
        """Its part of all bad events."""
        return part.bad / self.bad if self.bad else 0.0

    def traffic(self, part: Part) -> float:
        """Its part of all events."""
        return part.total / self.total if self.total else 0.0

    @property
    def lift(self) -> float:
        """By how much the share of the first part in bad events exceeds its share in traffic, 0 to 1.

        A route that has half of the traffic and half of the errors explains nothing; one with a tenth and all does.
        """
        return self.share(self.first[0]) - self.traffic(self.first[0]) if self.first else -inf


def conditions(counters: Counters) -> Mapping[str, bool]:
    """The labels by which bad (or good) events are told from all of them, and whether to one value.

    That errors have the status of errors explains nothing; which of several they have does.

    >>> conditions(Counters('a{job="x"}', 'a{job="x",code=~"5..",level="error"}'))
    {'code': False, 'level': True}
    """
    whole = {matcher for one in selectors(counters.total) for matcher in one.matchers}
    part = [matcher for one in selectors(counters.part) for matcher in one.matchers if matcher not in whole]
    return {matcher.label: matcher.op == "=" and not counters.good for matcher in part}


def labels_in(series: Iterable[Labels]) -> tuple[str, ...]:
    """The labels that tell these series apart, or that some of them have: most values first."""
    found: dict[str, set[str]] = {}
    for labels in series:
        for name, value in labels:
            if name not in _NO_LABELS:
                found.setdefault(name, set()).add(value)
    return tuple(sorted(found, key=lambda name: (-len(found[name]), name)))


def attribute(label: str, bad: Mapping[str, float], total: Mapping[str, float], most: int) -> Attribution | None:
    """Attribute events by the values of *label*; None where none is bad, or where no series has the label.

    A bad event is an event, also where bad ones and all of them are counted by different targets.
    """
    bad = {value: max(count, 0.0) for value, count in bad.items()}
    total = {value: max(total.get(value, 0.0), bad.get(value, 0.0)) for value in bad.keys() | total.keys()}
    found = [Part(value, bad.get(value, 0.0), count) for value, count in total.items()]
    if not any(part.bad > 0 for part in found) or {part.value for part in found} == {""}:
        return None
    found.sort(key=lambda part: (-part.bad, -part.total, part.value))
    spent = sum(part.bad > 0 for part in found)
    first, others = found[: min(most, spent)], found[min(most, spent) :]
    if not others:
        return Attribution(label, tuple(first), None)
    rest = Part("", fsum(part.bad for part in others), fsum(part.total for part in others), len(others))
    return Attribution(label, tuple(first), rest)


def by_value(events: Events, label: str) -> Mapping[str, float]:
    """Events by the values of *label*, whatever other labels they have."""
    found: dict[str, float] = {}
    for labels, count in events.items():
        value = dict(labels).get(label, "")
        found[value] = found.get(value, 0.0) + count
    return found


def told(found: Iterable[Attribution]) -> Iterator[Attribution]:
    """Those that tell something, the most telling first: one value that has all events anyway tells nothing."""
    telling = [one for one in found if len(one.first) > 1 or one.rest is not None]
    yield from sorted(telling, key=lambda one: (-one.lift, one.label))


def ask(
    asker: Asker,
    sli: Sli,
    window: Duration,
    *,
    most: int,
    labels: Sequence[str] = (),
    within: tuple[str, ...] = (),
    most_labels: int = MOST_LABELS,
) -> tuple[Attribution, ...] | Unanswered:
    """Attribute the bad events of *window* to *labels*; without any, to those that the series have and that tell.

    Where the asker sees only the rows of one group, *within* are the labels by which it knows them.
    """
    inner = sli.inner if isinstance(sli, SlicedSli) else sli
    counters = inner.counters()
    if counters is None:
        return _measured(asker, inner, window, most, labels, within)
    counted = tally(asker, counters, window)
    if isinstance(counted, Unanswered):
        return counted
    part, total = counted
    known = {} if labels else conditions(counters)
    telling = [name for name in labels_in(series for series, count in part.items() if count > 0) if not known.get(name)]
    names = labels or [name for name in telling if name not in within][:most_labels]
    told_by = {name: attribute(name, *_bad_and_all(counters, part, total, name), most) for name in names}
    found = [one for one in told_by.values() if one is not None and not (one.label in known and _alone(one))]
    return tuple(found if labels else told(found))


def _bad_and_all(
    counters: Counters, part: Events, total: Events, label: str
) -> tuple[Mapping[str, float], Mapping[str, float]]:
    some, every = by_value(part, label), by_value(total, label)
    if not counters.good:
        return some, every
    # without good events all are bad, or where they are needed nothing is known
    return {v: every[v] - some.get(v, 0.0) for v in every if v in some or not counters.needed}, every


def _measured(  # noqa: PLR0917 - what, in which window, and how it is told
    asker: Asker, sli: Sli, window: Duration, most: int, labels: Sequence[str], within: tuple[str, ...]
) -> tuple[Attribution, ...] | Unanswered:
    found = []
    for label in labels:
        events = measured(asker, sli, window, tuple(dict.fromkeys((*within, label))))
        if isinstance(events, Unanswered):
            return events
        bad, total = (
            by_value({of: n for of, n in events.items() if dict(of).get(MARK, "").startswith(kind)}, label)
            for kind in ("bad:", "total:")
        )
        if (one := attribute(label, bad, total, most)) is not None:
            found.append(one)
    return tuple(found)


def _alone(one: Attribution) -> bool:
    """Whether one value has all bad events."""
    return sum(part.bad > 0 for part in one.parts) == 1 and (one.rest is None or not one.rest.bad)


def line(one: Attribution) -> str:
    """An attribution in a line, as messages have it.

    >>> line(Attribution("route", (Part("/pay", 90, 100), Part("", 6, 10)), Part("", 4, 890, 12)))
    '/pay 90%, without route 6%, 12 others 4%'
    """
    texts = [f"{part.value or f'without {one.label}'} {percent(one.share(part), 0)}" for part in one.first]
    if one.rest is not None and one.rest.bad > 0:
        others = f"{one.rest.values} other{'s' if one.rest.values > 1 else ''}"
        texts.append(f"{others} {percent(one.share(one.rest), 0)}")
    return ", ".join(texts)

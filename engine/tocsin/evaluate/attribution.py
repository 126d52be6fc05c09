"""Which values of a label spent the budget: bad events by value, with their shares, the first few and the rest named.

One question for each label: bad and all events of the SLI by its values (`increase` over the window, so every event
weighs the same). The sum of the parts is the whole by construction: what no first value spent is the rest, and events
of series without the label are a value of their own. Counts of Prometheus are extrapolated, so they may be fractions;
shares are not concerned, for all series of a window are stretched alike where they are scraped alike.

Which labels there are is told by the series that counted bad events (all events, where an SLI counts good ones): at
most MOST_SERIES are looked at, those with the most events.

Of an SLI over slices the events in the slices are attributed, not the slices: a slice has no labels.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum, inf, isfinite

from tocsin.evaluate.asking import MARK, Asker, Unanswered
from tocsin.evaluate.burn import union
from tocsin.evaluate.words import percent
from tocsin.guards import RAW_LIMIT
from tocsin.ports import Answer
from tocsin.promql import over
from tocsin.proofs.selectors import selectors
from tocsin.sli import Sli, SlicedSli, for_long
from tocsin.units import Duration

MOST_SERIES = 100
"""Series whose labels are looked at: those with the most events have the labels of the others."""
MOST_LABELS = 12
"""Labels asked for where nobody names any."""
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


def counted(sli: Sli, window: Duration) -> Sli:
    """What is attributed: events; over long windows without the guard that would read each of them twice."""
    inner = sli.inner if isinstance(sli, SlicedSli) else sli
    return for_long(inner) if window > RAW_LIMIT else inner


def labels_query(sli: Sli, window: Duration) -> str | None:
    """Ask for the series with the most events, which have all labels; None where an SLI is no plain counter."""
    counters = counted(sli, window).counters()
    if counters is None:
        return None
    selector = counters.total if counters.good else counters.part
    return f"topk({MOST_SERIES}, increase({over(selector, str(window))}) > 0)"


def conditions(sli: Sli, window: Duration) -> Mapping[str, bool]:
    """The labels by which bad (or good) events are told from all of them, and whether to one value.

    That errors have the status of errors explains nothing; which of several they have does.

    >>> from tocsin.sli import RatioSli
    >>> conditions(RatioSli('a{job="x"}', 'a{job="x",code=~"5..",level="error"}'), Duration.of(hours=1))
    {'code': False, 'level': True}
    """
    counters = counted(sli, window).counters()
    if counters is None:
        return {}
    whole = {matcher for one in selectors(counters.total) for matcher in one.matchers}
    part = [matcher for one in selectors(counters.part) for matcher in one.matchers if matcher not in whole]
    return {matcher.label: matcher.op == "=" and not counters.good for matcher in part}


def labels_in(answer: Answer) -> tuple[str, ...]:
    """The labels that tell these series apart, or that some of them have: most values first."""
    found: dict[str, set[str]] = {}
    for row in answer.rows:
        for name, value in row.labels:
            if name not in _NO_LABELS:
                found.setdefault(name, set()).add(value)
    return tuple(sorted(found, key=lambda name: (-len(found[name]), name)))


def label_query(sli: Sli, label: str, window: Duration, within: Sequence[str] = ()) -> str:
    """Ask for bad and all events by the values of *label*, in groups of *within*."""
    by = tuple(dict.fromkeys((*within, label)))
    return union(replace(counted(sli, window), by=by), (window,), "increase")  # type: ignore[type-var]


def attribute(answer: Answer, label: str, window: Duration, most: int) -> Attribution | None:
    """Read such an answer; None where it has no bad events, or where no series has the label."""
    bad, total = (_by_value(answer, f"{kind}:{window}", label) for kind in ("bad", "total"))
    found = [Part(value, max(count, 0.0), total.get(value, 0.0)) for value, count in bad.items()]
    found += [Part(value, 0.0, count) for value, count in total.items() if value not in bad]
    if not any(part.bad > 0 for part in found) or {part.value for part in found} == {""}:
        return None
    found.sort(key=lambda part: (-part.bad, -part.total, part.value))
    spent = sum(part.bad > 0 for part in found)
    first, others = found[: min(most, spent)], found[min(most, spent) :]
    if not others:
        return Attribution(label, tuple(first), None)
    rest = Part("", fsum(part.bad for part in others), fsum(part.total for part in others), len(others))
    return Attribution(label, tuple(first), rest)


def _by_value(answer: Answer, mark: str, label: str) -> Mapping[str, float]:
    """Events by the values of *label*; of groups, together."""
    found: dict[str, float] = {}
    for row in answer.rows:
        labels = dict(row.labels)
        if labels.get(MARK) == mark and isfinite(row.value):
            value = labels.get(label, "")
            found[value] = found.get(value, 0.0) + row.value
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
    within: Sequence[str] = (),
    most_labels: int = MOST_LABELS,
) -> tuple[Attribution, ...] | Unanswered:
    """Attribute the bad events of *window* to *labels*; without any, to those that the series have and that tell."""
    given = labels
    if not given:
        query = labels_query(sli, window)
        if query is None:
            return ()
        answer = asker.complete(query)
        if isinstance(answer, Unanswered):
            return answer
        known = conditions(sli, window)
        given = [name for name in labels_in(answer) if name not in within and not known.get(name)][:most_labels]
    else:
        known = {}
    found = []
    for label in given:
        answer = asker.complete(label_query(sli, label, window, within))
        if isinstance(answer, Unanswered):
            return answer
        one = attribute(answer, label, window, most)
        if one is not None and not (label in known and _alone(one)):
            found.append(one)
    return tuple(found if labels else told(found))


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

"""From a number of good and bad events to the series of an SLI."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tocsin.ports import labels_of
from tocsin.promql import metric_name
from tocsin.promql_syntax import Selector as SelectorNode
from tocsin.promql_syntax import parse
from tocsin.proofs.decoys import decoys
from tocsin.proofs.selectors import Selector, another, selectors, series_for, written
from tocsin.proofs.values import Sample, counter, notation
from tocsin.sli import LatencySli, ProbeSli, RatioSli, Sli, ThresholdSli

_DECOYED = 10**8
"""Events per tick of a decoy."""
GOOD, BAD, ALL = "good", "bad", "all"


@dataclass(frozen=True, slots=True)
class Story:
    """What happens tick by tick: events of the tick, good and bad; None is a tick without a scrape."""

    good: tuple[int | None, ...]
    bad: tuple[int | None, ...]
    resets: tuple[int, ...] = ()
    """Ticks at which the counters begin again at 0."""
    error_series_from: int = 0
    """The series of bad events is not there before this tick."""


@dataclass(frozen=True, slots=True)
class Feed:
    """How to write a story as series; *sampled* kinds look at gauges, and a tick is one good or one bad sample."""

    roles: tuple[tuple[str, str], ...]
    """Series and which events it counts (or, for gauges, nothing)."""
    sampled: bool = False
    levels: tuple[float, float] = (1, 0)
    """The values of a gauge that is well and of one that is not."""
    own_errors: bool = field(default=False)
    """Whether bad events have a series of their own, which may be missing."""

    members: tuple[tuple[str, str], ...] = ()
    """Series, and what its twin is called where a regular expression finds another value as well: of `5..` also 533."""
    decoys: tuple[str, ...] = ()
    """Series that the selectors do not find; nothing but trouble happens in them."""

    def series(self, story: Story) -> tuple[tuple[str, str], ...]:
        """The input series: two for each role, of which one counts a quarter, so that a sum is no mean."""
        found = []
        for series, role in self.roles:
            for twin, events in zip(
                _twins(series, dict(self.members).get(series)), self._halves(role, story), strict=True
            ):
                samples = events if self.sampled else counter(_events(events), resets=story.resets)
                found.append((twin, notation(samples)))
        ticks = len(story.good)
        trouble = notation([self.levels[1]] * ticks if self.sampled else counter([0, *[_DECOYED] * (ticks - 1)]))
        return (*found, *((decoy, trouble) for decoy in self.decoys))

    def _halves(self, role: str, story: Story) -> tuple[Sequence[Sample], Sequence[Sample]]:
        if self.sampled:
            well, ill = self.levels
            levels = [None if g is None else ill if b else well for g, b in zip(story.good, story.bad, strict=True)]
            return levels, levels
        events = self._counted(role, story)
        quarter = [None if n is None else n // 4 for n in events]
        return quarter, [None if n is None else n - n // 4 for n in events]

    def _counted(self, role: str, story: Story) -> Sequence[int | None]:
        if role == GOOD:
            return story.good
        if role == BAD:
            return [None if tick < story.error_series_from else b for tick, b in enumerate(story.bad)]
        return [None if g is None or b is None else g + b for g, b in zip(story.good, story.bad, strict=True)]


def _events(samples: Sequence[Sample]) -> list[int | None]:
    return [None if sample is None else int(sample) for sample in samples]


def twin_label(series: str) -> str:
    """A label that *series* does not have."""
    return next(each for each in ("instance", "pod", "replica", "twin") if f'{each}="' not in series)


def _twins(series: str, other: str | None = None) -> tuple[str, str]:
    """The same series twice, or it and the *other*, told apart by a label that it does not have.

    >>> _twins('up{job="x"}')
    ('up{job="x",instance="a"}', 'up{job="x",instance="b"}')
    """
    label = twin_label(series)
    one, two = (f"{each[:-1]}{'' if each.endswith('{}') else ','}{label}=" for each in (series, other or series))
    return f'{one}"a"}}', f'{two}"b"}}'


def feed_of(sli: Sli) -> Feed | str:
    """How series for *sli* are made, or why they cannot be."""
    if isinstance(sli, RatioSli):
        return _ratio(sli.bad_events, sli.good_events, sli.total_events, sli.by)
    if isinstance(sli, LatencySli):
        text = sli.bad("5m")
        found = selectors(text)
        bucket = next((s for s in found if s.name.endswith("_bucket")), None)
        if bucket is None:
            return "native histograms cannot be written as promtool's input"
        return _counted(None, bucket, selectors(sli.total("5m")), sli.by)
    if isinstance(sli, ProbeSli):
        found = selectors(sli.up)
        series = series_for(found[:1], more=_groups(sli.by)) if found else None
        if series is None or not metric_name(sli.up):
            return f"no series can be made up for {sli.up}"
        well = float(sli.at_least)
        others = tuple(written(*decoy) for decoy in decoys([series], found[:1]))
        return Feed(((written(*series), ALL),), sampled=True, levels=(well, well - 1), decoys=others)
    if isinstance(sli, ThresholdSli):
        return _threshold(sli)
    return f"no series can be made up for an SLI of kind {sli.kind}"


def _threshold(sli: ThresholdSli) -> Feed | str:
    """A gauge at a bound, and one step outside of it."""
    found = selectors(sli.value)
    series = series_for(found, more=_groups(sli.by))
    if len(found) != 1 or series is None or not isinstance(parse(sli.value), SelectorNode):
        return "its value is more than one series"
    if sli.at_most is not None:
        well, ill = float(sli.at_most), float(sli.at_most) + 1
    else:
        well, ill = float(sli.at_least or 0), float(sli.at_least or 0) - 1
    others = tuple(written(*decoy) for decoy in decoys([series], found))
    return Feed(((written(*series), ALL),), sampled=True, levels=(well, ill), decoys=others)


def _ratio(bad: str | None, good: str | None, total: str, by: tuple[str, ...]) -> Feed | str:
    ills, wells = selectors(bad or ""), selectors(good or "")
    if len(ills) > 1 or len(wells) > 1:
        return "the expression reads more than one series"
    return _counted(ills[0] if ills else None, wells[0] if wells else None, selectors(total), by)


def _counted(
    bad: Selector | None, good: Selector | None, totals: tuple[Selector, ...], by: tuple[str, ...]
) -> Feed | str:
    """Series for a selector of bad (or good) events beside one of all events, on one metric or on two."""
    part = bad or good
    if part is None or len(totals) != 1:
        return "the expression reads more than one series"
    total, more = totals[0], _groups(by)
    role, other = (BAD, GOOD) if bad else (GOOD, BAD)
    buckets = _is_bucket_of(part, total)
    if part.name != total.name or buckets:
        pair = (series_for([part], more=more), role), (series_for([total], more=more), ALL)
    else:
        pair = (series_for([part, total], more=more), role), (series_for([total], [part], more=more), other)
    (one, first), (two, second) = pair
    if one is None:
        return f"no series can be made up that the selectors of {'bad' if bad else 'good'} and of all events find"
    if two is None:
        return f"no series can be made up that only the selector of all events finds, and not that of {role} events"
    others = tuple(written(*decoy) for decoy in decoys([one, two], [part, total]))
    roles = (written(*one), first), (written(*two), second)
    asked = ([part] if part.name != total.name or buckets else [part, total]), [total]
    never = ((), (part,) if part.name == total.name and not buckets else ())
    members = tuple(
        (written(*each), written(each[0], another(each, wanted, unwanted, ("le", *by))))
        for each, wanted, unwanted in zip((one, two), asked, never, strict=True)
    )
    return Feed(roles, own_errors=BAD in {first, second}, members=members, decoys=others)


def _is_bucket_of(part: Selector, total: Selector) -> bool:
    """Whether both are buckets, which are cumulative: no series is both, and each event of the one is in the other."""
    one, other = ([m for m in each.matchers if m.label == "le" and m.op in {"=", "=~"}] for each in (part, total))
    return bool(one and other) and series_for([part, total]) is None


def _groups(by: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return labels_of(dict.fromkeys(by, "a"))

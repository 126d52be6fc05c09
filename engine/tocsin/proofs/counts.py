"""What an objective records from raw counters: the bad and all events of every window, to the event.

Traffic is even, so that no extrapolation of a rate matters, and every window is looked at in the moment in which it is
full: a longer one would not be.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from math import gcd

from tocsin.plan.births import KEPT, WHEN, Births, births_of
from tocsin.plan.series import Rate
from tocsin.ports import labels_of
from tocsin.promql import metric_name
from tocsin.proofs.feed import ALL, BAD, Feed, Story, twin_label
from tocsin.proofs.given import level, value_claims
from tocsin.proofs.model import RECORDED, Claim, Proof, Run
from tocsin.proofs.stories import Phase, sampled, story
from tocsin.proofs.ticks import MINUTE, raw_rates
from tocsin.proofs.values import notation
from tocsin.sli import RatioSli
from tocsin.spec import Slo
from tocsin.units import Duration
from tocsin.windows import Tier

_TRAFFIC = 40_000
_ERRORS = Fraction(1, 10)
_SEEN = 10**6
_ENOUGH = 4
_ABSENCE = 30
"""Ticks in which a series is left out."""


def count_proofs(slo: Slo, tiers: tuple[Tier, ...], feed: Feed, slack: int = 0) -> Iterator[Proof]:
    """Every window that reads what the SLI selects."""
    if slo.sli.now() is not None:
        yield _looks(slo, feed)
        return
    for some, grid in raw_rates(slo, tiers):
        every = gcd(*(rate.window.milliseconds // grid.milliseconds for rate in some))
        for run in _runs(slo, feed, some, grid):
            yield Proof(slo.ref, slo.span, slo.service, grid, (run,), every=every)
        for run in _births(slo, feed, some, grid, slack):
            yield Proof(slo.ref, slo.span, slo.service, grid, (run,))


def _runs(slo: Slo, feed: Feed, some: Sequence[Rate], grid: Duration) -> Iterator[Run]:
    windows = {rate: rate.window.milliseconds // grid.milliseconds for rate in some}
    longest = max(windows.values())
    told = story(Phase(longest, _ERRORS, _TRAFFIC))
    claims = [_claim(slo, rate, told, window, window) for rate, window in windows.items()]
    yield Run("even traffic, a tenth of it bad", feed.series(told), tuple(claims))
    if isinstance(slo.sli, RatioSli) and slo.sli.bad_events and slo.sli.missing_errors and feed.own_errors:
        told = story(Phase(longest), error_series_from=longest + 1)
        claims = [_claim(slo, rate, told, longest, window) for rate, window in windows.items()]
        yield Run("no series of errors", feed.series(told), tuple(claims))


def _births(slo: Slo, feed: Feed, some: Sequence[Rate], grid: Duration, slack: int) -> Iterator[Run]:
    """Errors come with their series, half of the traffic first; every one counts, once, until it is an hour old."""
    if (births := births_of(slo)) is None or not feed.own_errors:
        return
    windows = {rate: rate.window.milliseconds // grid.milliseconds for rate in some}
    longest, step = max(windows.values()), min(windows.values())
    born, until, gone = longest + 1, longest + step, 2 * longest + step
    if step < _ENOUGH:
        return
    phases = Phase(longest, traffic=_TRAFFIC), Phase(1, Fraction(1, 2), _TRAFFIC), Phase(step - 1, _ERRORS, _TRAFFIC)
    told = story(*phases, Phase(gone - until, traffic=_TRAFFIC), error_series_from=born)
    errors = {rate: window for rate, window in windows.items() if rate.kind == BAD}
    exact = errors if slack else windows  # a window without its first sample guesses what uneven traffic was there
    claims = [_claim(slo, rate, told, until, window) for rate, window in exact.items()]
    claims += [_claim(slo, rate, told, gone, window) for rate, window in windows.items()]
    claims += [_claim(slo, rate, told, until + n, n) for rate, n in windows.items() if rate.window < KEPT]  # no birth
    claims += _remembered(births, feed, told, grid, (longest, until, gone))
    others = _bystanders(feed, longest, gone)
    yield Run("the series of errors is born with the first ones", (*feed.series(told), *others), tuple(claims))
    told = replace(story(*phases, error_series_from=born), resets=(born + 2,))
    exact = errors if slack or any(role == ALL for _, role in feed.roles) else windows
    claims = [_peak(slo, rate, told, until, window) for rate, window in exact.items()]
    yield Run("a series of errors is born and begins again at 0", feed.series(told), tuple(claims))


def _remembered(
    births: Births, feed: Feed, told: Story, grid: Duration, ticks: tuple[int, int, int]
) -> Iterator[Claim]:
    """When the greater of the two series of errors was born, and what it counted: for an hour, and not for longer."""
    before, within, after = ticks
    errors = next(name for name, role in feed.roles if role == BAD)
    counted = sum((n or 0) - (n or 0) // 4 for n in told.bad[: within + 1])
    when = float(told.error_series_from * grid.seconds)
    twin = ((twin_label(errors), "b"),)
    for rule in births.rules():
        text = births.recorded[rule.record.removesuffix(WHEN)]
        born = metric_name(text) == metric_name(errors) and text != getattr(births.slo.sli, "good_events", None)
        value = None if not born else when if rule.record.endswith(WHEN) else float(counted)
        labels = labels_of({**dict(rule.labels), "__name__": rule.record})
        for tick, expected in ((before, None), (within, value), (after, None)):
            yield Claim(RECORDED, labels, tick, expected is not None, "a series is born", expected, twin)


def _peak(slo: Slo, rate: Rate, told: Story, until: int, window: int) -> Claim:
    """A series that was reset after its birth counts with the highest value that it had."""
    count = sum(n or 0 for n in told.bad[: told.resets[0]])
    if rate.kind != BAD:
        count += sum(n or 0 for n in told.good[until - window + 1 : until + 1])
    rated = {until: count / float(rate.window.seconds)}
    return next(value_claims(slo, rate.name, rated, "what it counted before its reset is not forgotten"))


def _claim(slo: Slo, rate: Rate, told: Story, tick: int, window: int) -> Claim:
    """What has happened in the window that ends at *tick*, as a rate."""
    bad = [n or 0 for n in told.bad]
    events = bad if rate.kind == BAD else [(n or 0) + ill for n, ill in zip(told.good, bad, strict=True)]
    count = sum(events[tick - window + 1 : tick + 1])
    rated = {tick: count / float(rate.window.seconds)}
    return next(value_claims(slo, rate.name, rated, f"{count} events in {rate.window}"))


def _bystanders(feed: Feed, until: int, last: int) -> Iterator[tuple[str, str]]:
    """Series of which nothing may count: not even once, though each has a high value that nobody has seen before.

    A new target; a target that was started anew, so that its old series end as the new ones begin; series of a known
    target that have been there for long, one that ends, and one that was left out for a while.
    """
    (errors,) = (name for name, role in feed.roles if role == BAD)
    (others,) = (name for name, role in feed.roles if role != BAD)
    if 'instance="' in errors + others:
        return
    ends = until + 2
    old, young = level((ends, _SEEN)), level((ends, None), (last + 1 - ends, _SEEN))
    new = level((until + 1, None), (last - until, _SEEN))
    back = level((until - _ABSENCE, _SEEN), (_ABSENCE + 1, None), (last - until, _SEEN))
    yield _with(errors, 'instance="new"'), notation(new)
    yield _with(others, 'instance="new"'), notation(new)
    yield _with(errors, 'instance="again"'), notation(young)
    yield _with(others, 'instance="again"'), notation(old)
    yield _with(errors, 'instance="a",path="old"'), notation(level((last + 1, _SEEN)))
    yield _with(others, 'instance="a",path="old"'), notation(old)
    yield _with(errors, 'instance="a",path="back"'), notation(back)


def _with(series: str, labels: str) -> str:
    return f"{series[:-1]}{'' if series.endswith('{}') else ','}{labels}}}"


def _looks(slo: Slo, feed: Feed) -> Proof:
    """How many gauges are bad, and how many there are."""
    told = sampled((3, 0), (3, 1))
    claims = [
        claim
        for kind, well, ill in (("bad", 0.0, 2.0), ("total", 2.0, 2.0))
        for claim in value_claims(slo, f"slo:{kind}:now", {1: well, 6: ill}, "two gauges are looked at")
    ]
    return Proof(slo.ref, slo.span, slo.service, MINUTE, (Run("two gauges go bad", feed.series(told), tuple(claims)),))

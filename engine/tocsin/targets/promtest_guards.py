"""Tests that promtool would pass although they test nothing."""

import re
from collections.abc import Iterable, Iterator

from tocsin.diagnostics import Diagnostic, Severity
from tocsin.proofs.selectors import Selector, selectors
from tocsin.spec import RuleTest
from tocsin.targets.promtest import Case, own_interval
from tocsin.units import Duration

_REPEATED = re.compile(r"(?P<gap>_|stale)?.*?x(?P<times>\d+)")
LOOKBACK = Duration.of(minutes=5)
"""So long a sample is seen after its scrape."""


def silent_passes(cases: Iterable[Case]) -> Iterator[Diagnostic]:
    """Series that no rule reads, expectations of silence after all samples, rules evaluated at another rhythm."""
    for case in cases:
        read = tuple(dict.fromkeys(s for g in case.groups for rule in g.rules for s in selectors(rule.expr)))
        unread = [each for each in case.test.series if not any(_finds(s, each.series) for s in read)]
        if unread and len(unread) == len(case.test.series):
            message = f"test {case.test.name!r} tests nothing: the rules of its alerts read none of its series"
            yield Diagnostic("test/nothing", case.test.span, message)
        else:
            for each in unread:
                message = f"no rule of the alerts that this test asks for reads {each.series}"
                misspelt = any(s.name == wanted.name for s in read for wanted in selectors(each.series))
                severity = Severity.WARNING if misspelt else Severity.INFO  # else it only completes the picture
                yield Diagnostic("test/unread-series", each.span, message, severity, hint=_near(each.series, read))
        yield from _beyond(case.test)
        yield from _rhythm(case)


def _finds(selector: Selector, series: str) -> bool:
    found = selectors(series)
    if len(found) != 1:
        return True  # promtool says what is wrong with it
    labels = tuple((m.label, m.value) for m in found[0].matchers)
    return selector.accepts(found[0].name, labels)


def _near(series: str, read: Iterable[Selector]) -> str | None:
    """The selectors of the same metric, which must differ in a label."""
    name = series.partition("{")[0]
    same = [selector for selector in read if selector.name == name]
    if not same:
        return f"no rule of them reads {name} at all"
    texts = ("{" + ",".join(f'{m.label}{m.op}"{m.value}"' for m in selector.matchers) + "}" for selector in same)
    return f"they read {', '.join(dict.fromkeys(f'{name}{text}' for text in texts))}"


def _beyond(test: RuleTest) -> Iterator[Diagnostic]:
    """Silence after the last sample proves nothing; an alert that fires there was meant to."""
    ends = [_samples(each.values) - 1 for each in test.series]
    if not ends:
        return
    last = Duration(max(ends) * test.interval.milliseconds)
    for each in test.expect:
        if not each.firing and each.at.milliseconds > last.milliseconds + LOOKBACK.milliseconds:
            message = f"silence at {each.at} proves nothing: the last sample of all series is at {last}"
            yield Diagnostic(
                "test/beyond", each.span, message, Severity.WARNING, hint="lengthen the values, or ask earlier"
            )


def _samples(values: str) -> int:
    """How many scrapes a text in promtool's notation describes.

    >>> _samples("0+1x10 _x3 5 stale")
    16
    """
    count = 0
    for word in values.split():
        match = _REPEATED.fullmatch(word)
        count += 1 if match is None else int(match["times"]) + (0 if match["gap"] else 1)
    return count


def _rhythm(case: Case) -> Iterator[Diagnostic]:
    """Promtool evaluates all groups at one interval; where they have several, some are evaluated too often."""
    intervals = {group.name: group.interval for group in case.groups if group.interval is not None}
    if own_interval(case.groups) is None and intervals:
        told = ", ".join(f"{name} every {interval}" for name, interval in intervals.items())
        message = f"test {case.test.name!r} evaluates all rules every {case.test.interval}; in production {told}"
        yield Diagnostic("test/interval", case.test.span, message, Severity.INFO)

"""What promtool passes although it tests nothing is told."""

from tests import builders

from tocsin import spec
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.plan import AlertingRule, RuleGroup
from tocsin.targets.artifact import Artifact
from tocsin.targets.promtest import Case
from tocsin.targets.promtest_guards import silent_passes
from tocsin.units import Duration

MINUTE = Duration.of(minutes=1)


def findings(
    *series: str, values: str = "1x20", at: int = 10, intervals: tuple[int | None, ...] = (None,)
) -> list[Diagnostic]:
    """What is found of a test that expects silence, for a rule that reads `up{job="x"}` in groups of *intervals*."""
    rule = AlertingRule("Down", "shop/Down", 'up{job="x"} == 0', MINUTE, Duration(0), (), (), builders.SPAN)
    test = spec.RuleTest(
        "shop",
        "t",
        MINUTE,
        tuple(spec.TestSeries(each, values, builders.SPAN) for each in series),
        (spec.TestAlert(Duration.of(minutes=at), "Down", (), builders.SPAN),),
        builders.SPAN,
    )
    groups = tuple(
        RuleGroup(f"g{n}", "shop", (rule,), Duration.of(minutes=each) if each else None)
        for n, each in enumerate(intervals)
    )
    return list(silent_passes([Case(test, "t.test.yml", "", Artifact("t.rules.yml", ""), groups)]))


def codes(*series: str, values: str = "1x20", at: int = 10) -> list[str]:
    """The codes of what is found."""
    return [each.code for each in findings(*series, values=values, at=at)]


def test_a_test_that_asks_something() -> None:
    """A series that the rule reads and a question before its end have no findings."""
    assert codes('up{job="x"}') == []


def test_series_that_no_rule_reads() -> None:
    """One of several is told of; where it is all of them, the test tests nothing."""
    assert codes('up{job="x"}', 'up{job="y"}') == ["test/unread-series"]
    assert codes('up{job="y"}') == ["test/nothing"]


def test_silence_after_the_last_sample() -> None:
    """Five minutes after the last sample it is still seen; a minute later silence proves nothing."""
    assert codes('up{job="x"}', at=25) == []
    assert codes('up{job="x"}', at=26) == ["test/beyond"]


def test_groups_of_several_intervals() -> None:
    """Promtool has one interval for all: where groups differ, or only some say theirs, a note tells which."""
    for intervals in ((1, 10), (10, None)):
        [found] = findings('up{job="x"}', intervals=intervals)
        told = "g0 every 1m, g1 every 10m" if None not in intervals else "g0 every 10m"

        assert (found.code, found.severity) == ("test/interval", Severity.INFO)
        assert found.message == f"test 't' evaluates all rules every 1m; in production {told}"
    for same in ((10, 10), (10,), (None, None)):
        assert findings('up{job="x"}', intervals=same) == []

"""What promtool passes although it tests nothing is told."""

from tests import builders

from tocsin import spec
from tocsin.plan import AlertingRule, RuleGroup
from tocsin.targets.artifact import Artifact
from tocsin.targets.promtest import Case
from tocsin.targets.promtest_guards import silent_passes
from tocsin.units import Duration

MINUTE = Duration.of(minutes=1)


def codes(*series: str, values: str = "1x20", at: int = 10) -> list[str]:
    """The findings of a test that expects silence, for a rule that reads `up{job="x"}`."""
    rule = AlertingRule("Down", "shop/Down", 'up{job="x"} == 0', MINUTE, Duration(0), (), (), builders.SPAN)
    test = spec.RuleTest(
        "shop",
        "t",
        MINUTE,
        tuple(spec.TestSeries(each, values, builders.SPAN) for each in series),
        (spec.TestAlert(Duration.of(minutes=at), "Down", (), builders.SPAN),),
        builders.SPAN,
    )
    case = Case(test, "t.test.yml", "", Artifact("t.rules.yml", ""), (RuleGroup("g", "shop", (rule,)),))
    return [each.code for each in silent_passes([case])]


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

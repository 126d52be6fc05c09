"""Mutants: which small mistakes are made of one rule, and which are not because nobody could see them."""

from tests import builders

from tocsin.mutate import Mutant, Tried, mutants, scores
from tocsin.mutate.edits import edits
from tocsin.plan import AlertingRule, Plan, RecordingRule, RuleGroup
from tocsin.units import Duration


def made(text: str, *recorded: str) -> set[str]:
    """The words of all edits of a text."""
    return {edit.words for edit in edits(text, recorded)}


def test_a_comparison_with_a_number() -> None:
    """It is turned, its boundary is moved, and its threshold goes to either side."""
    assert made("queue > 100") == {
        "> becomes <",
        "> becomes >=",
        "the threshold 100 becomes 150",
        "the threshold 100 becomes 66.6666666667",
    }


def test_what_could_not_change_anything_is_not_made() -> None:
    """A threshold of 0 is not multiplied, the boundary of a rate is not moved, a denominator may be 0."""
    assert made("up == 0") == {"== becomes !="}
    assert "> becomes >=" not in made("rate(errors[5m]) > 3")
    assert made("a / (b > 0)") == set()


def test_what_scaling_or_joining_makes_the_same_is_not_made() -> None:
    """Nothing times 0, no mean below a quantile of buckets, no condition dropped that the other side has, too."""
    assert made("0 * sum(a)") == set()
    assert made("histogram_quantile(0.9, sum by (le) (a))") == {"sum becomes max"}
    dropped = '{job="x"} is dropped'
    assert dropped not in made('a{job="x"} / b{job="x"}')
    assert dropped in made('a{job="x"} / b')
    assert dropped in made('a{job="x"} / on (id) b{job="x"}')
    assert dropped in made('sum(a{job="x"}) / sum(b{job="x"})')


def test_matchers() -> None:
    """They are negated and dropped; those of series that a rule records are negated only."""
    negated, dropped = 'in {job="x"} = becomes !=', '{job="x"} is dropped'

    assert made('up{job="x"}') == {negated, dropped}
    assert made('up{job="x"}', "up") == {negated}


def test_an_aggregation_and_its_window() -> None:
    """A sum becomes what differs for two series, `by` loses a label, and the window is doubled."""
    assert made("sum by (job) (rate(errors[5m]))") == {
        "sum becomes avg",
        "sum becomes max",
        "`by` loses job",
        "the window 5m becomes 10m",
    }


def test_a_broken_text_has_no_mutants() -> None:
    """What cannot be read is not edited."""
    assert made("sum(") == set()


def test_fields_of_an_alert_and_the_score() -> None:
    """`for` and severity have mutants, too; they are counted by file and by kind."""
    alert = AlertingRule(
        "Down",
        "shop/Down",
        "up == 0",
        Duration.of(minutes=5),
        Duration(0),
        (("severity", "critical"),),
        (),
        builders.SPAN,
    )
    other = RecordingRule("x", "y", (), builders.SPAN)
    group = RuleGroup("g", "shop", (alert, other))
    found: list[Mutant] = list(mutants(Plan((group,))))

    assert [each.kind for each in found] == ["comparison", "for dropped", "for doubled", "severity"]
    score = scores(Tried(each, each.kind == "severity", 1) for each in found)
    assert score.percent == 25
    assert score.kinds["severity"] == (1, 1)

"""Proofs of rules: what is computed agrees with the closed forms, and promtool with what is computed."""

import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import builders

from tocsin.cli.main import run
from tocsin.plan import AlertingRule
from tocsin.proofs.burn import Bench, burn_proofs
from tocsin.proofs.expect import Watch, conditions, firing
from tocsin.proofs.feed import Feed, feed_of
from tocsin.proofs.joins import joins
from tocsin.proofs.model import Proof, Unproved
from tocsin.proofs.regex import example
from tocsin.proofs.selectors import Selector, selectors, series_for
from tocsin.proofs.stories import Phase, sampled, story
from tocsin.proofs.thresholds import alert_proof
from tocsin.proofs.values import counter, notation
from tocsin.sli import LatencySli, ProbeSli, RatioSli, Sli, ThresholdSli
from tocsin.units import Duration
from tocsin.windows import detection_time, reset_time


class TestSeries:
    """Series that are made up."""

    @pytest.mark.parametrize(
        "pattern",
        ["5..", "a|b", "(GET|POST)", r"\d{3}", "[^x]+", "x?y*", ".+", ".*", r"a\.b", "api/v[12]/.*", "(?i)ok"],
    )
    def test_an_example_of_a_regular_expression(self, pattern: str) -> None:
        """What is made up for a pattern matches it."""
        text = example(pattern)

        assert text is not None
        assert re.fullmatch(pattern, text)

    @pytest.mark.parametrize("pattern", ["(", r"(a)\1", "a{9999}"])
    def test_no_example(self, pattern: str) -> None:
        """What is wrong, or beyond an obvious example, is given up."""
        assert example(pattern) is None

    @given(st.from_regex(r"[a-z0-9.|()\[\]?+]{1,12}", fullmatch=True))
    def test_any_pattern(self, pattern: str) -> None:
        """An example either matches or is not given."""
        text = example(pattern)

        assert text is None or re.fullmatch(pattern, text)

    def test_selectors(self) -> None:
        """Selectors are found among functions, grouping labels and matching labels; their strings are unquoted."""
        text = (
            r'sum by (code) (rate(a{b=~"\\d+",c!=`x`}[5m])) / on (job) group_left (x) {__name__="d"} offset 5m > bool e'
        )
        found = selectors(text)

        assert [s.name for s in found] == ["a", "d", "e"]
        assert [(m.label, m.op, m.value) for m in found[0].matchers] == [("b", "=~", r"\d+"), ("c", "!=", "x")]

    def test_a_series_for_two_selectors_and_not_a_third(self) -> None:
        """Good events satisfy the selector of all events and not the one of bad events."""
        (every,), (bad,) = selectors('r{code=~"[2-5]..",job="x"}'), selectors('r{code=~"5.."}')
        found = series_for([every], [bad])

        assert found is not None
        assert every.accepts(*found)
        assert not bad.accepts(*found)
        assert series_for([bad], [Selector("r", ())]) is None

    def test_notation(self) -> None:
        """Runs of equal steps are written once; a reset begins again."""
        assert notation(counter([0, 5, 5, 5, 5, 5], resets=[3])) == "0+5x2 5+5x2"
        assert notation([None, 1.5, 1.5, 1.5]) == "_ 1.5+0x2"
        assert notation([None, 1.5, None, 2, None, None, None]) == "_ 1.5 stale 2 stale _x2"


class TestModel:
    """What is computed without any rule."""

    @given(
        st.integers(12, 400), st.integers(2, 10), st.fractions(Fraction(1, 1000), Fraction(1, 2)), st.integers(2, 40)
    )
    def test_a_step_fires_and_clears_as_the_closed_forms_say(
        self, long: int, short: int, threshold: Fraction, times: int
    ) -> None:
        """`detection_time` and `reset_time` of the workbook's model, on the grid, within the margin that is claimed."""
        errors = min(Fraction(1), threshold * times)
        fires = detection_time(long, threshold, errors)
        resets = reset_time(short, threshold, errors)
        assert fires is not None
        assert resets is not None
        lasts = int(fires) + short + 2
        told = story(Phase(long), Phase(lasts, errors), Phase(short + 2))
        holds = conditions(told, Watch(long, short, threshold, keep=0), sampled=False)
        true = [tick - long for tick, state in enumerate(holds) if state]
        maybe = [tick - long for tick, state in enumerate(holds) if state is not False]

        assert maybe[0] <= int(fires) + 1 <= true[0]
        assert true[-1] <= lasts + resets <= maybe[-1] + 1

    def test_keep_and_wait(self) -> None:
        """An alert waits for its `for`, outlives its condition, and is unknown where that is."""
        assert firing([False, True, True, False, False], keep=1, wait=1) == [False, False, True, True, False]
        assert firing([False, None, False, False], keep=1) == [False, None, None, False]

    def test_what_comes_back_is_born_again(self) -> None:
        """Six hours remember what was before an hour away; an hour may have forgotten it: a new life begins."""
        told = sampled((30, 0), (60, None), (30, 1))
        slow, fast = (
            Watch(long, 30, threshold, 0) for long, threshold in ((360, Fraction(6, 100)), (60, Fraction(144, 1000)))
        )

        assert conditions(told, slow, sampled=True)[97:101] == [False, False, True, True]
        assert conditions(told, fast, sampled=True)[90:92] == [False, None]
        assert conditions(told, fast, sampled=True)[103:105] == [True, True]

    @pytest.mark.parametrize(
        ("sli", "roles"),
        [
            (builders.AVAILABILITY, ["bad", "good"]),
            (RatioSli(total_events="requests_total", good_events="served_total"), ["good", "all"]),
            (RatioSli('x_bucket{le="+Inf"}', good_events='x_bucket{le="0.3"}'), ["good", "all"]),
            (LatencySli("seconds", Decimal(1)), ["good", "all"]),
            (ProbeSli("up", Decimal(1)), ["all"]),
            (ThresholdSli("queue_depth", at_most=Decimal(5)), ["all"]),
        ],
    )
    def test_feeds(self, sli: Sli, roles: list[str]) -> None:
        """Each kind of SLI has its series."""
        made = feed_of(sli)

        assert isinstance(made, Feed)
        assert [role for _, role in made.roles] == roles

    def test_a_regular_expression_finds_two_values(self) -> None:
        """Were it narrowed to the one code of the bad events, half of the proof's would not be counted."""
        told = story(Phase(3, Fraction(1, 2)))
        for part, codes in (('x{code=~"5.."}', {"500", "533"}), ('x{code=~"5..",code!="533"}', {"500"})):
            made = feed_of(RatioSli("x", bad_events=part))
            assert isinstance(made, Feed)
            found = {re.search(r'code="(5..)"', name) for name, _ in made.series(told)}
            assert {match[1] for match in found if match} == codes

    def test_every_tier_has_to_fire_and_to_be_silent(self) -> None:
        """No tier is proved by silence alone, not even where one scenario is all there is."""
        slo = builders.slo()
        made = feed_of(slo.sli)
        assert isinstance(made, Feed)
        for full in (True, False):
            proofs = burn_proofs(Bench(slo, slo.tiers, made), full=full)
            said = {(c.name, c.holds) for proof in proofs for run in proof.runs for c in run.claims}

            assert {(tier.name, state) for tier in slo.tiers for state in (True, False)} <= said

    @pytest.mark.parametrize(
        "expr",
        [
            "sum(rate(a{job='x'}[5m])) / sum(rate(b{job='x'}[5m])) > 0.8",
            "histogram_quantile(0.95, sum by (le) (rate(s_bucket[5m]))) > 2",
            "1 - (sum(rate(a{code=~'5..'}[5m])) / sum(rate(a[5m]))) < 0.999",
            "sum by (instance) (m{job='x'}) / on (instance) sum by (instance) (n > 0) > 0.85",
            "up == 0",
            "max_over_time(depth[10m]) >= 5 or absent(depth)",
            "5 < depth",
        ],
    )
    def test_alerts_that_are_proved(self, expr: str) -> None:
        """For a comparison with a number, series are found on both sides of it, and one matcher away."""
        made = alert_proof(a_rule(expr), "shop", ())

        assert isinstance(made, Proof)
        assert {claim.holds for run in made.runs for claim in run.claims} == {True, False}

    @pytest.mark.parametrize(
        ("expr", "reason"),
        [
            ("time() - built_at > 5", "time()"),
            ("a and b", "'and' decides"),
            ("slo:x > 5", "other rules record"),
            ("abs(x) < -1", "no series were found"),
        ],
    )
    def test_alerts_that_are_not(self, expr: str, reason: str) -> None:
        """What is not understood is said, with its reason, instead of passing."""
        made = alert_proof(a_rule(expr), "shop", ("slo:x",))

        assert isinstance(made, Unproved)
        assert reason in made.reason

    def test_joins(self) -> None:
        """Operators between vectors are found by their precedence, not those with a number beside them."""
        found = [(j.left, j.operator, j.right) for j in joins("a / on (x) group_left b > 2 and (c or d) * 3")]

        assert found == [("a / on (x) group_left b > 2", "and", "(c or d) * 3"), ("a", "/", "b")]


def a_rule(expr: str) -> AlertingRule:
    """An alert with an expression."""
    five, none = Duration.of(minutes=5), Duration(0)
    return AlertingRule("X", "shop/X", expr, five, none, (("ref", "shop/X"),), (), builders.SPAN)


SERVICE = """\
apiVersion: tocsin/v1
kind: Service
name: shop
slis:
  availability: {ratio: {bad: 'requests_total{code=~"5.."}', total: requests_total}}
slos:
  uptime: {sli: availability, target: 99.9%, window: 30d, burn_rate: {off: [steady, slow, trickle]}}
  again: {sli: availability, target: 99.9%, window: 30d, burn_rate: {off: [steady, slow, trickle]}}
"""
"""One tier: how the others are proved is seen in `test_proofs_of_rules.py`."""


PROBE = """\
apiVersion: tocsin/v1
kind: Service
name: shop
slis: {two: {probe: {up: nodes_ready, at_least: 2}}}
slos: {two: {sli: two, target: 99%OFF}}
"""
ONE_TIER = ", burn_rate: {off: [steady, slow, trickle]}"


@pytest.mark.real
class TestCommand:
    """`tocsin test --generated`."""

    @pytest.fixture
    def rules(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A service with two objectives, compiled; gives the rule file."""
        monkeypatch.chdir(tmp_path)
        Path("service.yaml").write_text(SERVICE)
        assert run(["compile", "service.yaml", "-o", "out"]) == 0
        return tmp_path / "out/prometheus/rules/shop.yml"

    def test_fresh_rules_are_proved(self, rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """What is compiled does what is computed; an objective of the same shape is proved by one scenario."""
        code = run(["test", "service.yaml", "--generated"])
        out, err = capsys.readouterr()

        assert (code, out) == (0, "")
        assert "2 definitions" in err
        assert "1 of them with the rules of another one but for names: one scenario each" in err

    @pytest.mark.parametrize("off", [ONE_TIER, pytest.param("", marks=pytest.mark.soak)])
    def test_a_probe_after_an_idle_hour(self, off: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A gauge that is away for an hour has no samples in it, in the model as in promtool."""
        path = tmp_path / "probe.yaml"
        path.write_text(PROBE.replace("OFF", off))

        assert run(["test", str(path), "--generated"]) == 0
        assert "1 definition" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("old", "new", "code", "words"),
        [
            ("> 0.0144", "> 0.0151", "proof/silent", "but it is silent"),
            ("> 0.0144", "> 0.0142", "proof/false-alarm", "but it fires"),
            (
                '(slo:bad:rate1h{service="shop",slo="uptime"} >',
                '(label_replace(slo:bad:rate1h{service="shop",slo="uptime"}, "window", "1h", "", "") >',
                "proof/never-fires",
                "the two sides of `/` never meet",
            ),
            (
                "slo: uptime\n          tier: fast",
                "slo: uptime\n          tier: quick",
                "proof/never-fires",
                "no such alert",
            ),
            ("keep_firing_for: 10m", "keep_firing_for: 1m", "proof/silent", "is silent"),
        ],
    )
    def test_a_rule_broken_by_hand_is_found(
        self, old: str, new: str, code: str, words: str, rules: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The finding stands at the line of the objective, and says what was computed and what happened."""
        text = rules.read_text()
        at = text.index(old, text.index("name: slo:shop/uptime"))
        rules.write_text(text[:at] + new + text[at + len(old) :])
        status = run(["test", "service.yaml", "--generated", "--compiled", "out/prometheus/rules", "-k", "uptime"])
        out = capsys.readouterr().out

        assert status == 1
        assert out.startswith("service.yaml:7:")
        assert f"[{code}]" in out
        assert words in out

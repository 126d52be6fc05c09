"""Texts of alerts read the same from Prometheus and from the evaluator."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import alert, service, slo, workspace

from tocsin.adapters.promtool import find_promtool
from tocsin.evaluate.words import fill
from tocsin.plan import plan
from tocsin.targets.prometheus import CONFIG, prometheus
from tocsin.template import for_prometheus, misfits, parts

SUMMARY = "{{ labels.job }} of {{ labels.team }} is at {{ value | percent }} ({{ value }}) for {{ value | duration }}"


@given(st.text(alphabet="{} $|value.labelsjob\n", max_size=60))
def test_any_text_is_split_without_loss(text: str) -> None:
    """A text without templates means itself; every misfit names a stretch inside the text."""
    if "{{" not in text:
        assert "".join(str(part) for part in parts(text)) == text
    for misfit in misfits(text):
        assert text[misfit.start : misfit.end].startswith("{{")


def test_both_readers_fill_the_same_holes() -> None:
    """The labels of the rule are known when it is compiled, those of the row when it fires."""
    compiled = for_prometheus(SUMMARY, {"team": "vision"})

    assert compiled == (
        "{{ $labels.job }} of vision is at {{ $value | humanizePercentage }} ({{ $value | humanize }}) "
        "for {{ $value | humanizeDuration }}"
    )
    assert fill(SUMMARY, {"job": "db", "team": "vision"}, 0.875) == "db of vision is at 87.5% (0.875) for 0s"


@pytest.mark.real
def test_promtool_accepts_what_comes_out() -> None:
    """A template in the definitions never keeps Prometheus from loading the rules."""
    odd = replace(slo(), description="budget {{ left }}", runbook="https://runbooks.example.org/{{x")
    rule = alert("A", expr="x > 1", summary=SUMMARY, labels=(("odd", "{{x"),))
    rule = replace(rule, description="{{ $value }} {{ labels.odd }}")
    made = workspace(service(slos=(odd,), alerts=(rule,)))
    artifacts = {a.path: a.text for a in prometheus(plan(made)[0], made) if a.path != CONFIG}

    assert find_promtool().check_rules(artifacts) == ()

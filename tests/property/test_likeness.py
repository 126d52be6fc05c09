"""Rules that are filled into a form are those that are written for each objective by itself, to the byte."""

from dataclasses import fields, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.strategies import QUARTER, names, texts, workspaces

from tocsin.definitions import definitions_of
from tocsin.diagnostics import Span
from tocsin.plan import Late
from tocsin.plan.objective import Objective, likeness
from tocsin.sli import Sli, SlicedSli
from tocsin.targets import likeness as module
from tocsin.targets.likeness import written
from tocsin.targets.rule_text import rules_text
from tocsin.workspace import Source

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
NAMES = st.one_of(st.sampled_from(["be", "be-camera", "on"]), names())
WORDS = st.sampled_from(["be", "on", "/", "a.b/c-d", "Qj0jq", "x" * 90, "route", "7", "10.0.0.1:80", "it's", "a|b"])
PATHS = st.sampled_from(["a.yaml", "/x/y z.yaml", "rules/it's.yml", "0/1.yaml", "a\nb.yaml", "é.yaml"])
RUNBOOKS = st.sampled_from(["https://wiki/x?y=1#z", "on", "{{ it's"])


def of_other_words(sli: Sli, words: dict[str, str]) -> Sli:
    """The same with others in the place of some words."""
    if isinstance(sli, SlicedSli):
        return replace(sli, inner=of_other_words(sli.inner, words))
    given = {field.name: getattr(sli, field.name) for field in fields(sli)}  # type: ignore[arg-type]  # all kinds are
    changed = {name: text for name, text in given.items() if isinstance(text, str)}
    for hole, word in words.items():
        changed = {name: text.replace(f'"{hole}"', f'"{word}"') for name, text in changed.items()}
    return replace(sli, **changed)  # type: ignore[type-var]  # every kind is a dataclass


@st.composite
def like(draw: st.DrawFn, of: Objective, *, tame: bool = False) -> Objective:
    """Another objective that differs in words only: in *tame* ones, or in any, some of them no words."""
    pattern, holes, _, _ = likeness(of)
    values = {hole: f"word-{hole}" if tame else draw(WORDS) for hole in holes[3:-2]}
    place = Span("a.yaml" if tame else draw(PATHS), draw(st.integers(1, 10**6)), 1, 1, 1)
    service, name = ("a", "b") if tame else (draw(NAMES), draw(NAMES))
    slo = replace(pattern.slo, service=service, name=name, span=place, sli=of_other_words(pattern.slo.sli, values))
    said = slo.description and draw(texts(1))
    return replace(pattern, slo=replace(slo, description=said), runbook=pattern.runbook and draw(RUNBOOKS))


@settings(suppress_health_check=SLOW, max_examples=QUARTER)
@given(workspaces(), st.data())
def test_an_objective_says_the_same_by_a_form(sources: tuple[Source, ...], data: st.DataObject) -> None:
    """Whatever its words are, and whichever of its like came first."""
    for group in definitions_of(sources).plan.groups:
        if isinstance(group.rules, Late):
            for tame in (True, True, False, False):
                rules = Late(group.rules.make, data.draw(like(group.rules.of, tame=tame)))

                assert rules_text(rules) == written(rules)


def test_rules_are_made_for_the_first_two_of_a_pattern(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are filled in, and so is what is said of the service."""
    slos = "".join(f"  s{number}: {{sli: a, target: 99.9%, description: 'It''s {number}'}}\n" for number in range(5))
    text = 'slis: {a: {ratio: {bad: \'r_total{code=~"5..",job="%s"}\', total: \'r_total{job="%s"}\'}}}\n'
    sources = tuple(
        Source(
            f"{name}.yaml", f"apiVersion: tocsin/v1\nkind: Service\nname: {name}\n{text % (name, name)}slos:\n{slos}"
        )
        for name in ("one", "two")
    )
    groups = [group for group in definitions_of(sources).plan.groups if group.name.startswith("slo:")]
    made: list[str] = []

    def noted(rules: Late) -> str:
        made.append(rules.of.slo.ref)
        return rules_text(rules)

    monkeypatch.setattr(module, "rules_text", noted)
    for group in groups:
        assert rules_text(group.rules) == written(group.rules)

    assert len(groups) == 10
    assert [ref for ref in made if ref.startswith(("one/", "two/"))] == ["one/s0", "one/s1"]

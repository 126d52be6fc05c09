"""Alerts made of other alerts: truth tables, order, cycles, and that rules and evaluator agree."""

import itertools

import pytest
from tests.builders import SPAN
from tests.oracle import ask, firing, groups_of
from tests.reading import document, places, read, together
from tests.worlds import FIRED, RESOLVED, START, World, seconds

from tocsin.evaluate.combined import Verdict, judge
from tocsin.evaluate.model import Truth
from tocsin.plan import AlertingRule, plan
from tocsin.spec import Composite, Part

TWO = """
    alerts:
      A: {expr: a > 1, severity: info}
      B: {expr: b > 1, for: 1m, severity: info}
      Both: {all_of: [A, B], severity: critical}
      Either: {any_of: [A, B], severity: critical}
      JustA: {all_of: [A], none_of: [B], for: 1m, severity: critical}
"""
A = [0, 2, 2, 2, 2, 0, 0, 2, 2, 2]
B = [0, 0, 2, 2, 0, 2, 2, 2, 0, 0]
BOTH = [3, 7]
EITHER = [1, 2, 3, 4, 6, 7, 8, 9]
JUST_A = [2, 9]


@pytest.mark.real
def test_rules_see_their_parts_at_once() -> None:
    """Composites stand behind their parts in one group, so that nothing comes an evaluation late."""
    asked = [(firing(name), 60 * minute) for name in ("Both", "Either", "JustA") for minute in range(10)]
    found = [bool(rows) for rows in ask(groups_of(TWO), {"a": map(float, A), "b": map(float, B)}, asked)]
    minutes = [[minute for minute in range(10) if found[10 * n + minute]] for n in range(3)]

    assert minutes == [BOTH, EITHER, JUST_A]


def test_the_evaluator_agrees() -> None:
    """The same alerts over the same values."""
    workspace, findings = read("Service", TWO, "shop")
    assert findings == ()
    there = World(workspace)
    for name, values in (("a", A), ("b", B)):
        there.source.add({"__name__": name}, ((START + seconds(60 * i), float(v)) for i, v in enumerate(values)))
    there.run(0, 540, 60)
    opened = {
        name: [
            minute
            for minute in range(10)
            if [kind for second, kind in there.told(f"shop/{name}") if second <= 60 * minute][-1:] == [FIRED]
        ]
        for name in ("Both", "Either", "JustA")
    }

    assert opened == {"Both": BOTH, "Either": EITHER, "JustA": JUST_A}


def composite(all_of: int, any_of: int, none_of: int) -> tuple[Composite, list[Part]]:
    """A composite of so many parts of each kind."""
    parts = [Part(f"s/P{n}", SPAN) for n in range(all_of + any_of + none_of)]
    lists = tuple(parts[:all_of]), tuple(parts[all_of : all_of + any_of]), tuple(parts[all_of + any_of :])
    return Composite(*lists), parts


VALUE = {Truth.TRUE: 1.0, Truth.UNKNOWN: 0.5, Truth.FALSE: 0.0}


@pytest.mark.parametrize("shape", [(2, 0, 0), (0, 2, 0), (1, 0, 1), (1, 2, 1), (2, 2, 0), (0, 1, 2)])
def test_three_valued_truth(shape: tuple[int, int, int]) -> None:
    """Kleene's logic: a part that cannot be seen matters only where the others do not decide."""
    made, parts = composite(*shape)
    for truths in itertools.product(Truth, repeat=len(parts)):
        known = dict(zip(parts, truths, strict=True))
        terms = [VALUE[known[part]] for part in made.all_of]
        terms += [max(VALUE[known[part]] for part in made.any_of)] if made.any_of else []
        terms += [1 - VALUE[known[part]] for part in made.none_of]

        assert VALUE[judge(made, lambda part, of=known: Verdict(of[part])).truth] == min(terms)  # type: ignore[misc]


def test_a_blind_part_keeps_the_whole_open() -> None:
    """While nobody can see one part, the alert made of it is blind, and does not resolve."""
    workspace, _ = read("Service", TWO, "shop")
    there = World(workspace)
    there.source.add({"__name__": "a"}, ((START + seconds(60 * i), 2.0) for i in range(3)))
    there.source.add({"__name__": "b"}, ((START + seconds(60 * i), 2.0) for i in range(30)))
    there.run(0, 120, 60)
    there.run(900, 1200, 60)

    assert there.told("shop/Both", (FIRED, RESOLVED)) == [(60, FIRED)]
    assert there.memory.alerts[next(i for i in there.memory.alerts if i.rule == "shop/Both")].blind_since is not None


TIERS = """
    slis: {ok: {ratio: {bad: bad_total, total: all_total}}}
    slos: {up: {sli: ok, target: 99.9%}}
    alerts:
"""


def test_tiers_of_objectives_are_parts() -> None:
    """A composite whose parts are all in one objective's group stands at its end."""
    groups = groups_of(TIERS + "      Worst: {all_of: ['up:fast', 'shop/up:no-traffic'], severity: critical}")
    last = groups[0].rules[-1]

    assert isinstance(last, AlertingRule)
    assert (groups[0].name, len(groups), last.alert) == ("slo:shop/up", 2, "Worst")
    assert last.expr == (
        'count(ALERTS{alertname="ErrorBudgetBurn",alertstate="firing",ref="shop/up",tier="fast"})\nand\n'
        'count(ALERTS{alertname="TrafficAbsent",alertstate="firing",ref="shop/up"})'
    )


def test_composites_of_composites() -> None:
    """Each stands behind those that it needs, whatever their names."""
    text = TWO + "      Aa: {any_of: [Both, Zz], severity: info}\n      Zz: {all_of: [Either], severity: info}\n"
    [group] = groups_of(text)
    names = [rule.alert for rule in group.rules if isinstance(rule, AlertingRule)]

    assert names[:2] == ["A", "B"]
    assert names.index("Aa") > max(names.index("Both"), names.index("Zz")) > names.index("Either")


def test_cycles_are_refused() -> None:
    """Each cycle is one finding, at the reference that closes it."""
    workspace, misread = read(
        "Service",
        "alerts:\n  A: {all_of: [B], severity: info}\n  B: {any_of: [C], severity: info}\n"
        "  C: {all_of: [A], severity: info}\n  D: {all_of: [D], severity: info}",
    )
    _, findings = plan(workspace)

    assert (misread, places(findings)) == ((), [(5, 16, "reference/cycle"), (8, 16, "reference/cycle")])
    assert findings[0].message == "an alert cannot need itself: a/A needs a/B needs a/C needs a/A"


@pytest.mark.parametrize(
    ("ref", "code", "hint"),
    [
        ("HighCpuUsge", "reference/unknown-alert", "did you mean a/HighCpuUsage?"),
        ("a/up", "reference/unknown-alert", "it is an objective; name one of its tiers, such as a/up:fast"),
        ("a/uq:fast", "reference/unknown-slo", "a has a/up"),
        ("up:fats", "reference/unknown-tier", "known are fast, slow, steady, trickle, no-traffic"),
        ("b/HighCpuUsage", "reference/unknown-alert", "did you mean a/HighCpuUsage?"),
    ],
)
def test_unknown_parts(ref: str, code: str, hint: str) -> None:
    """Parts have to be defined; the hint is the nearest one that is."""
    workspace, misread = together(
        document(
            "Service",
            TIERS + f"      HighCpuUsage: {{expr: x > 1, severity: info}}\n"
            f"      Composite: {{all_of: ['{ref}'], severity: info}}",
        )
    )
    found = [finding for finding in (*misread, *plan(workspace)[1]) if finding.code == code]

    assert [finding.span.line for finding in found] == [8]
    assert found[0].hint == hint


def test_parts_of_other_services() -> None:
    """`service/Alert` is of any service; the composite stands in its own service's group."""
    workspace, findings = together(
        document("Service", "alerts: {A: {expr: x > 1, severity: info}}", "other"),
        document("Service", "alerts: {B: {all_of: [other/A], severity: info}}", "shop"),
    )
    planned, more = plan(workspace)

    assert (findings, more) == ((), ())
    assert [(group.file, group.name) for group in planned.groups] == [
        ("other", "alerts:other"),
        ("shop", "alerts:shop"),
    ]


JOURNEY = "slos: {whole: {target: 99%, combine: {COMBINE}}}"


@pytest.mark.parametrize(
    ("combine", "ref", "message"),
    [
        ("series: [a/up]", "path/whole:burn", None),
        ("series: [a/up]", "path/whole:fast", "path/whole has no alert 'fast'"),
        ("series: [{worst_of: [a/up]}]", "path/whole:burn", "path/whole has no alert 'burn' in rules: worst_of inside"),
    ],
)
def test_journeys_are_parts(combine: str, ref: str, message: str | None) -> None:
    """The alert of a journey is its `burn`, where rules have it."""
    workspace, misread = together(
        document("Service", f"{TIERS}      Worst: {{all_of: ['{ref}'], severity: info}}"),
        document("Journey", JOURNEY.replace("COMBINE", combine), "path"),
    )
    planned, findings = plan(workspace)
    told = [finding.message for finding in findings if finding.code == "reference/unknown-tier"]

    assert misread == ()
    assert [text[: len(message or "")] for text in told] == ([message] if message else [])
    assert any(rule.ref == "a/Worst" for g in planned.groups for rule in g.rules if isinstance(rule, AlertingRule))


def test_an_order_that_is_late_is_told_of() -> None:
    """In a named group rules stand as written; a part below its composite is seen one evaluation late."""
    workspace, _ = read(
        "Service",
        "alerts:\n  All: {all_of: [A], group: g, severity: info}\n  A: {expr: x > 1, group: g, severity: info}",
    )

    assert places(plan(workspace)[1]) == [(5, 18, "alert/order")]


def test_none_of_alone_is_refused() -> None:
    """It would fire while all is well."""
    _, findings = read("Service", "alerts: {A: {expr: x, severity: info}, B: {none_of: [A], severity: info}}")

    assert places(findings) == [(4, 40, "alert/condition")]

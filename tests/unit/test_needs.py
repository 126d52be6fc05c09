"""What members need so that a journey keeps its target: just enough, whatever the tree."""

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from tests.trees import NAMES, good, node, trees

from tocsin.budget import budget_ratio, ceiling, needs
from tocsin.cli.apportion import command
from tocsin.cli.main import run
from tocsin.spec import Combine, members

D = Decimal
targets = st.decimals("0.5", "0.999999", places=6)
weights = st.dictionaries(st.sampled_from(NAMES), st.fractions(Fraction(1, 100), 100, max_denominator=100))


def slack(need: Decimal) -> Decimal:
    """A target that leaves a hundredth and a bit more than *need* does: more than rounding to three digits takes."""
    return 1 - min((1 - need) * D("1.0101"), D(1))


@given(trees(), targets, weights)
def test_the_ceiling_of_what_members_need_is_the_target(
    tree: Combine, target: Decimal, given_weights: dict[str, Fraction]
) -> None:
    """Never less; and with hardly more budget for each member it would be less."""
    found = needs(tree, target, given_weights)
    assert found is not None
    reached = ceiling(tree, found)
    looser = ceiling(tree, {ref: slack(need) for ref, need in found.items()})

    assert found.keys() == {member.ref for member in members(tree)}
    assert all(0 < need < 1 for need in found.values())
    assert reached is not None
    assert looser is not None
    assert looser < target <= reached


@given(targets, st.lists(st.fractions(Fraction(1, 100), 100, max_denominator=100), min_size=1, max_size=4))
def test_added_budgets_are_no_more_than_the_journeys(target: Decimal, shares: list[Fraction]) -> None:
    """What is written of each is a hundredth less than its share at most."""
    names = NAMES[: len(shares)]
    found = needs(node("series", *names), target, dict(zip(names, shares, strict=True)), dependent=True)
    assert found is not None
    budget = budget_ratio(target)

    assert budget * Fraction(99, 100) < sum(map(budget_ratio, found.values())) <= budget
    for ref, share in zip(names, shares, strict=True):
        assert 0 <= budget * share / sum(shares) - budget_ratio(found[ref]) < budget * share / sum(shares) / 100


@given(
    trees(hows="series parallel k_of_n") | trees(depth=0),
    st.lists(st.fixed_dictionaries({name: st.sampled_from([True, True, True, False]) for name in NAMES}), min_size=4),
    weights,
)
def test_dependent_members_that_keep_what_they_need_keep_the_journey(
    tree: Combine, slices: list[dict[str, bool]], given_weights: dict[str, Fraction]
) -> None:
    """Whatever slices members miss, together or apart: no target that their shares are enough for is missed."""
    shares = {name: Fraction(sum(state[name] for state in slices), len(slices)) for name in NAMES}
    whole = sum((good(tree, state) for state in slices), start=Fraction(0)) / len(slices)
    for target in (D(percent) / 100 for percent in range(99, 0, -7)):
        found = needs(tree, target, given_weights, dependent=True)
        assert found is not None
        if all(shares[ref] >= need for ref, need in found.items()):
            assert whole >= target


@pytest.mark.parametrize(
    ("tree", "target", "expected"),
    [
        (node("series", "a/up", "b/up", "c/up"), "0.999", "0.999667 0.999667 0.999667"),
        (node("series", "a/up", node("series", "b/up", "c/up")), "0.999", "0.999667 0.999667 0.999667"),
        (node("series", "a/up", node("parallel", "b/up", "c/up")), "0.999", "0.9995 0.9777 0.9777"),
        (node("parallel", "a/up", "b/up"), "0.9999", "0.99 0.99"),
        (node("k_of_n", "a/up", "b/up", "c/up", need=2), "0.99", "0.9411 0.9411 0.9411"),
        (node("k_of_n", "a/up", "b/up", need=2), "0.81", "0.9 0.9"),
        (node("weighted", "a/up", "b/up"), "0.9987654", "0.9987654 0.9987654"),
        (node("worst_of", "a/up", node("parallel", "b/up", "c/up")), "0.99", "0.99 0.9 0.9"),
        (node("series", "a/up", "a/up"), "0.999", "0.999"),
        (node("parallel", "a/up", "a/up"), "0.99", "0.99"),
        (node("series", "a/up", node("parallel", "a/up", "a/up", "b/up")), "0.5", "0.5 0.001"),
    ],
)
def test_needs(tree: Combine, target: str, expected: str) -> None:
    """Numbers that can be worked out by hand; a member that stands twice is one."""
    found = needs(tree, D(target))

    assert found is not None
    assert list(found.values()) == [D(need) for need in expected.split()]


def test_dependent_parts_of_a_parallel_need_it_all() -> None:
    """They may always fail together; of 2 of 3 two have to, which takes two thirds more bad slices than one."""
    assert needs(node("parallel", "a/up", "b/up"), D("0.99"), dependent=True) == {"a/up": D("0.99"), "b/up": D("0.99")}
    two_of_three = node("k_of_n", "a/up", "b/up", "c/up", need=2)
    assert set((needs(two_of_three, D("0.97"), dependent=True) or {}).values()) == {D("0.98")}


def test_what_cannot_be_known() -> None:
    """A member below `worst_of` and elsewhere, unless it may depend; and a budget that nobody could measure."""
    tree = node("series", node("worst_of", "a/up", "b/up"), "a/up")

    assert needs(tree, D("0.99")) is None
    assert needs(tree, D("0.99"), dependent=True) == {"a/up": D("0.995"), "b/up": D("0.995")}
    assert needs(tree, D("0.99999999999999999999999999999999999"), dependent=True) is None


# --- the command -------------------------------------------------------------------------------------------------

TEXT = """\
apiVersion: tocsin/v1
kind: Service
name: shop
slis: {a: {probe: {up: up}}}
slos:
  one: {sli: a, target: 99.99%, window: 30d}
  two: {sli: a, target: 99.9%, window: 30d}
  three: {sli: a, target: 99.5%, window: 30d}
---
apiVersion: tocsin/v1
kind: Journey
name: path
slos:
  all: {target: 99.9%, window: 30d, combine: {series: [shop/one, shop/two, shop/three]}}
  any: {target: 99.99%, window: 30d, combine: {parallel: [shop/two, shop/three]}}
  mixed: {target: 99%, window: 30d, combine: {series: [shop/one, {worst_of: [shop/one, shop/two]}]}}
  extreme: {target: 0.99999999999999, window: 30d, combine: {series: [shop/one]}}
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A service and journeys over it."""
    path = tmp_path / "shop.yaml"
    path.write_text(TEXT)
    return str(path)


def facts(*arguments: str) -> dict[str, Any]:
    """What the command says in JSON."""
    found: dict[str, Any] = json.loads(CliRunner().invoke(command, [*arguments, "--format", "json"]).stdout)
    return found


def test_apportioning_by_the_command(file: str) -> None:
    """C11: 0.9996665555 each of three, rounded up; by weights of 1:2:7 budgets add up to the journey's exactly."""
    alike = facts("path/all", file)
    weighed = facts("path/all", file, "--dependent", "--weight", "shop/two=2", "--weight", "shop/three=7")

    assert [each["needs"] for each in alike["members"]] == [0.999667] * 3
    assert [each["meets"] for each in alike["members"]] == [True, False, False]
    assert alike["ceiling"] == pytest.approx(0.9999 * 0.999 * 0.995)
    assert [each["needs"] for each in weighed["members"]] == [0.9999, 0.9998, 0.9993]
    assert [each["budget_share"] for each in weighed["members"]] == [0.1, 0.2, 0.7]
    assert [each["bad_seconds"] for each in weighed["members"]] == [259.2, 518.4, 1814.4]


def test_text_of_the_command(file: str) -> None:
    """What is promised, what there is, what each member needs, and what that makes."""
    shown = CliRunner().invoke(command, ["path/any", file]).stdout

    assert shown == (
        f"path/any: 99.99% over 30d, a budget of 4.32m   ({file}:15)\n"
        "members that just keep their targets now make 99.9995%, which is enough\n"
        "\n"
        "  member      target now  needs  may be bad  of the budget  meets it\n"
        "  ----------  ----------  -----  ----------  -------------  --------\n"
        "  shop/two    99.9%       99%    7.2h        10000.0%       yes\n"
        "  shop/three  99.5%       99%    7.2h        10000.0%       yes\n"
        "\n"
        "with what they need they make 99.99% if their outages are independent, else see --dependent\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["path/al"], "is called 'path/al'", "path/all"),
        (["shop/one"], "shop/one is no objective of a journey", "only those"),
        (["path/all", "--weight", "shop/tow=2"], "path/all has no member 'shop/tow'", "did you mean shop/two?"),
        (["path/all", "--weight", "x=2"], "has no member 'x'", "shop/one, shop/two and shop/three"),
        (["path/all", "--weight", "shop/two"], "'shop/two' gives no weight", "write MEMBER=N"),
        (["path/all", "--weight", "shop/two=0"], "shop/two=0 is not above 0", "every member"),
        (["path/all", "--weight", "shop/two=-1"], "shop/two=-1 is not above 0", "every member"),
        (["path/all", "--weight", "shop/two=1e9"], "not between 0.001 and 1000", ""),
        (["path/all", "--weight", "shop/two=nan"], "'nan' is not a number", ""),
        (["path/all", "--weight", "shop/two=2", "--weight", "shop/two=3"], "shop/two is given twice", ""),
        (["path/any", "--weight", "shop/two=2"], "shop/two is in no series", "share alike"),
        (["path/mixed"], "path/mixed has members at several places", "--dependent"),
        (["path/extreme"], "path/extreme promises 99.999999999999%, which leaves no budget", ""),
    ],
)
def test_misuse(arguments: list[str], message: str, hint: str, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each is one message, with what to do where that helps."""
    assert run(["apportion", *arguments, file]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert message in said.err.splitlines()[0]
    assert hint in said.err.partition("\n")[2]


def test_dependent_apportions_what_independence_cannot(file: str) -> None:
    """The hint of a journey whose ceiling is not known leads on."""
    shown = CliRunner().invoke(command, ["path/mixed", file, "--dependent"]).stdout

    assert "just keep" not in shown
    assert "make 99% or more, however their outages depend on each other" in shown


def test_definitions_with_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They are told instead."""
    (tmp_path / "shop.yaml").write_text(TEXT.replace("shop/two, shop/three]}}\n  any", "shop/to]}}\n  any"))

    assert run(["apportion", "path/all", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "shop/to" in said.err

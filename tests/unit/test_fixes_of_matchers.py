"""Safe fixes inside PromQL: what they change, that they change no meaning, and that nothing is left to fix."""

import re

import pytest

from tocsin.cli.mending import mend
from tocsin.definitions import definitions_of
from tocsin.promql_syntax import Fault, canonical, parse
from tocsin.workspace import Source


def fixed(service: str) -> str:
    """The rest of a service after `--fix`; fixing that again changes nothing."""
    head = "apiVersion: tocsin/v1\nkind: Service\nname: shop\n"
    texts = [head + service]
    for _ in range(2):
        mended = mend(definitions_of([Source("shop.yaml", texts[-1])]))
        texts.append(mended.definitions.texts["shop.yaml"])

    assert texts[1] == texts[2]
    return texts[1].removeprefix(head)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("""expr: 'up{job=~"shop"} == 0'""", """expr: 'up{job="shop"} == 0'"""),
        ("""expr: 'up{job !~ "shop"} == 0'""", """expr: 'up{job != "shop"} == 0'"""),
        (r"""expr: "up{job=~\"^shop-.*$\"} == 0" """, r"""expr: "up{job=~\"shop-.*\"} == 0" """),
        ("""expr: x{job=~".*"} == 0""", """expr: x == 0"""),
        ("""expr: 'x{a="1",job=~".*"} == 0'""", """expr: 'x{a="1"} == 0'"""),
        ("""expr: 'x{job=~".*", a="1"} == 0'""", """expr: 'x{a="1"} == 0'"""),
        (
            "expr: |\n      # why\n      x{a=~'y', # z\n        b=~'.*'} > 1",
            "expr: |\n      # why\n      x{a='y', # z\n        b=~'.*'} > 1",
        ),
        ("""expr: '{job=~".*",a="1"} > 1'""", """expr: '{job=~".*",a="1"} > 1'"""),
        ("""expr: 'x{a=~"^b|c$"} > 1'""", """expr: 'x{a=~"^b|c$"} > 1'"""),
    ],
)  # fmt: skip
def test_what_changes(before: str, after: str) -> None:
    """Only the stretch that is wrong changes, in every style of YAML; comments stay."""
    assert fixed(f"alerts:\n  A:\n    {before}\n    severity: info\n    summary: a\n") == (
        f"alerts:\n  A:\n    {after}\n    severity: info\n    summary: a\n"
    )


@pytest.mark.parametrize("pattern", ["shop", "a-b:c", "^x.*$", "$", "^", "^$", r"a\\.b", "ü", " "])
def test_meaning_stays(pattern: str) -> None:
    """The expression reads as before, but for the operator and the signs that say nothing."""
    text = f"""alerts:\n  A: {{expr: 'x{{a=~"{pattern}"}} > 1', severity: info, summary: a}}\n"""
    match = re.search(r"expr: '([^']*)'", fixed(text))
    assert match
    before, after = parse(f'x{{a=~"{pattern}"}} > 1'), parse(match[1])
    assert not isinstance(before, Fault)
    assert not isinstance(after, Fault)
    bare = pattern.removeprefix("^").removesuffix("$")

    assert canonical(after) in {canonical(before), f'x{{a=~"{bare}"}} > 1', f'x{{a="{bare}"}} > 1'}


def test_a_template_is_left_alone() -> None:
    """What is a plain text in one use may be a pattern in another."""
    text = """\
apiVersion: tocsin/v1
kind: SLITemplate
name: http
parameters: {job: {description: the job}}
sli: {ratio: {bad: 'x_total{job=~"${job}",code="500"}', total: 'x_total{job=~"${job}"}'}}
---
apiVersion: tocsin/v1
kind: Service
name: shop
slis: {a: {template: http, with: {job: web}}}
slos: {up: {sli: a, target: 99.9%, window: 30d}}
"""

    assert mend(definitions_of([Source("shop.yaml", text)])).fixes == 0

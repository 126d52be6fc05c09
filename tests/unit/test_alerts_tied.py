"""Alerts that are said never to fire alone, or at once, do not in Prometheus, whatever they wait and are kept."""

import random
from itertools import permutations

import pytest
from tests.oracle import ask

from tocsin.checks.base import Subject
from tocsin.checks.reading.implied import ties
from tocsin.definitions import definitions_of
from tocsin.workspace import Source

MINUTES = 120
VALUES = (0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, float("nan"), None)


def _alerts(chance: random.Random, value: str) -> str:
    lines = ["apiVersion: tocsin/v1", "kind: Service", "name: shop", "alerts:"]
    for number in range(6):
        op, bound = chance.choice((">", ">", "<")), chance.randint(1, 3)
        side = "above" if op == ">" else "below"
        asked = chance.choice((f"expr: '{value} {op} {bound}'", f"value: '{value}', {side}: {bound}"))
        waits = chance.choice(("", "", ", for: 1m", ", for: 2m", ", for: 3m"))
        kept = chance.choice(("", "", ", keep_firing_for: 1m", ", keep_firing_for: 3m"))
        lines.append(f"  A{number}: {{{asked}{waits}{kept}, severity: info}}")
    return "\n".join([*lines, "  Whole: {all_of: [A0, A1], severity: info}", ""])


def _series(chance: random.Random) -> list[float | None]:
    steps = [[chance.choice(VALUES)] * chance.choice((1, 1, 2, 3, 5, 6)) for _ in range(MINUTES)]
    return [value for step in steps for value in step][:MINUTES]


@pytest.mark.parametrize(("seed", "value"), [(1, "max(x)"), (7, "x"), (3, "sum by (i) (x)"), (4, "max(x)")])
def test_random(seed: int, value: str) -> None:
    """Of pairs with random bounds and times, none that is said to be tied does otherwise; many pairs are not tied."""
    chance = random.Random(seed)
    text = _alerts(chance, value)
    definitions = definitions_of([Source("shop.yaml", text)])
    *parts, whole = definitions.workspace.services[0].alerts
    tied = ties(Subject(definitions.workspace, definitions.plan), whole, parts)
    series = {f'x{{i="{number}"}}': _series(chance) for number in (1, 2)}

    def seen(op: str) -> set[tuple[str, str]]:
        pairs = list(permutations([part.ref for part in parts], 2))
        fires = 'count(ALERTS{{ref="{}",alertstate="firing"}})'
        questions = [
            (f"count_over_time(({fires.format(one)} {op} {fires.format(other)})[{MINUTES}m:1m])", 60 * (MINUTES - 1))
            for one, other in pairs
        ]
        return {pair for pair, rows in zip(pairs, ask(definitions.plan.groups, series, questions), strict=True) if rows}

    alone, together = seen("unless"), seen("and")
    assert tied.implied & alone == frozenset()
    assert tied.exclusive & together == frozenset()
    assert tied.implied
    assert alone

"""Compiled rules in promtool: whether they do what is expected of each cell."""

import json
from collections.abc import Callable, Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import TypeVar

from tests.parity.cells import Cell
from tests.parity.looking import Firing
from tests.parity.pods import GRAIN

from tocsin.adapters.promtool import Promtool, find_promtool
from tocsin.extrapolation import Sample, Semantics
from tocsin.ports import Labels
from tocsin.promql_syntax import Version
from tocsin.targets.prometheus import rule_file

TOOLS = Path(__file__).parents[2] / ".tools"
NEWER = TOOLS / "prom3/promtool"
"""A promtool of Prometheus 3, for who has put one there."""
Some = TypeVar("Some", bound=Cell)


def promtool() -> Promtool:
    """The one beside the project's own tools, or that on PATH."""
    local = TOOLS / "bin/promtool"
    return find_promtool(str(local) if local.exists() else None, deadline=300)


def semantics_of(tool: Promtool) -> Semantics:
    """How that version reads ranges."""
    return Semantics.of(Version(*tool.version))


def judge(
    tool: Promtool, cells: Sequence[tuple[Some, Firing]], change: Callable[[Some, str], str] = lambda _, rules: rules
) -> list[str]:
    """What differs for each cell between what is expected and what its rules do, in promtool's words; one process.

    *change* may break the rules, to see that it is noticed.
    """
    files, tests = {}, []
    for number, (cell, expected) in enumerate(cells):
        files[f"rules{number}.yml"] = change(cell, rule_file(tuple(cell.compiled())))
        files[f"test{number}.yml"] = json.dumps(_test(f"rules{number}.yml", cell, expected))
        tests.append(f"test{number}.yml")
    reports = tool.test_rules(files, tests)
    return [
        "\n".join(
            [*reports[test].faults, *(f"{miss.expr}: {miss.got} {miss.error or ''}" for miss in reports[test].misses)]
        )
        for test in tests
    ]


def _test(rules: str, cell: Cell, expected: Firing) -> Mapping[str, object]:
    expr = f'count by ({", ".join(cell.by)}) (ALERTS{{alertname!="SliBroken",alertstate="firing"}})'
    return {
        "rule_files": [rules],
        "evaluation_interval": f"{cell.step}m",
        "group_eval_order": [group.name for group in cell.compiled()],
        "tests": [
            {
                "interval": f"{GRAIN}ms",
                "input_series": [
                    {"series": _written(labels), "values": _values(samples)} for labels, samples in cell.series.items()
                ],
                "promql_expr_test": [
                    {
                        "expr": f"{expr} # {number * cell.step}",
                        "eval_time": f"{number * cell.step}m",
                        "exp_samples": [{"labels": _written(labels), "value": 1} for labels in sorted(fires)],
                    }
                    for number, fires in enumerate(expected)
                ],
            }
        ],
    }


def _written(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels) + "}"


def _values(samples: Sequence[Sample]) -> str:
    """Samples in promtool's notation, one for each GRAIN."""
    told, place = list[str](), 0
    for time, value in samples:
        if (missing := time // GRAIN - place) > 0:
            told.append("_" if missing == 1 else f"_x{missing}")
        told.append("stale" if value is None else "NaN" if isnan(value) else f"{value:.0f}")
        place = time // GRAIN + 1
    return " ".join(told)

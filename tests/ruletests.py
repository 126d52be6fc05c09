"""Compiled rules of objectives, judged by promtool on series that a test writes down."""

import json
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path

from tests import builders
from tests.oracle import read_by

from tocsin.adapters.promtool import LEAN
from tocsin.plan import RuleGroup, plan
from tocsin.spec import Slo
from tocsin.targets.prometheus import rule_file

Values = Iterable[int | float | None]


@dataclass(frozen=True)
class Row:
    """At *at* (in steps) *expr* is *value* without labels, or has no row."""

    expr: str
    at: int
    value: float | None


def groups_of(*slos: Slo) -> tuple[RuleGroup, ...]:
    """The compiled groups of objectives of one service."""
    planned, _ = plan(builders.workspace(builders.service(slos=slos)))
    return planned.groups


def values(samples: Values) -> str:
    """Samples in promtool's notation; None is no sample."""
    return " ".join(_value(sample) for sample in samples)


def _value(sample: float | None) -> str:
    if sample is None or isnan(sample):
        return "_" if sample is None else "NaN"
    return f"{sample:g}" if sample == int(sample) else repr(sample)


def counter(events: Sequence[float | None], start: float = 0) -> list[float | None]:
    """A counter that grows by *events*; None: no sample."""
    count, samples = start, list[float | None]()
    for one in events:
        count += one or 0
        samples.append(None if one is None else count)
    return samples


def judge(
    folder: Path,
    groups: Sequence[RuleGroup],
    series: Mapping[str, Values],
    rows: Iterable[Row],
    step: int = 60,
    evaluate: int | None = None,
) -> str:
    """Run promtool; the empty string if every row is as expected. A *step* and the rules' interval are in seconds."""
    rows = list(rows)
    groups = read_by(dict.fromkeys(row.expr for row in rows), groups)
    (folder / "rules.yml").write_text(rule_file(groups))
    test = {
        "interval": f"{step}s",
        "input_series": [{"series": name, "values": values(some)} for name, some in series.items()],
        "promql_expr_test": [
            {
                "expr": row.expr,
                "eval_time": f"{row.at * step}s",
                "exp_samples": [] if row.value is None else [{"labels": "{}", "value": row.value}],
            }
            for row in rows
        ],
    }
    tests = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": f"{evaluate or step}s",
        "group_eval_order": [group.name for group in groups],
        "tests": [test],
    }
    (folder / "test.yml").write_text(json.dumps(tests))
    run = subprocess.run(
        ["promtool", "test", "rules", "test.yml"],
        cwd=folder,
        env=LEAN | os.environ,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return "" if run.returncode == 0 else run.stdout + run.stderr


def firing(tier: str, minutes: Iterable[int], among: Iterable[int]) -> list[Row]:
    """The alert of *tier* fires at exactly *minutes* among these."""
    expr = f'count(ALERTS{{alertname="ErrorBudgetBurn",alertstate="firing",tier="{tier}"}})'
    wanted = set(minutes)
    return [Row(expr, at, 1 if at in wanted else None) for at in among]


def near(expr: str, value: float, within: float) -> str:
    """An expression that is 1 where *expr* is within *within* of *value*."""
    return f"count(abs({expr} - {value!r}) <= {within!r})"

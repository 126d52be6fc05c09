"""promtool as the oracle: what Prometheus makes of compiled rules, minute by minute, as values to compare.

promtool only tells what it did not expect. So every question expects nothing and gets one row more than it asks for,
and promtool tells all rows.
"""

import ast
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.reading import read

from tocsin.adapters.promtool import find_promtool
from tocsin.diagnostics import Severity, Span
from tocsin.plan import RecordingRule, RuleGroup, plan
from tocsin.ports import Labels, labels_of
from tocsin.promql_syntax import Fault, parse
from tocsin.proofs.slices import needed
from tocsin.targets.prometheus import rule_file

_PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:\\.|[^"\\])*)"')
_ASKED = re.compile(r"# (\d+)$")

Rows = Mapping[Labels, float]


def groups_of(text: str, kind: str = "Service", name: str = "shop") -> tuple[RuleGroup, ...]:
    """The compiled groups of one document."""
    workspace, misread = read(kind, text, name)
    planned, unplanned = plan(workspace)
    assert [f.message for f in (*misread, *unplanned) if f.severity is Severity.ERROR] == []
    return planned.groups


def read_by(expressions: Iterable[str], groups: Sequence[RuleGroup]) -> tuple[RuleGroup, ...]:
    """The rules that *expressions* read, and what these read: most of what promtool does is evaluating the others."""
    nowhere = Span("asked", 1, 1, 1, 1)
    asks = [RecordingRule(f"asked:{number}", expr, (), nowhere) for number, expr in enumerate(expressions)]
    assert [ask.expr for ask in asks if isinstance(parse(ask.expr), Fault)] == []
    found = needed([(("__name__", ask.record),) for ask in asks], [*groups, RuleGroup("asked", "asked", asks)])
    return tuple(group for group in found if group.name != "asked")


def ask(
    groups: Sequence[RuleGroup],
    series: Mapping[str, str | Iterable[float | None]],
    questions: Iterable[tuple[str, int]],
    *,
    step: int = 60,
    evaluation: int | None = None,
) -> list[Rows]:
    """What each expression gives at its time (a count of seconds); samples and evaluations are *step* seconds apart.

    A series is written in promtool's notation or as its values, None for a sample that is missing. Groups without an
    interval are evaluated every *evaluation* seconds, in the order in which they are given.
    """
    asked = list(questions)
    groups = read_by(dict.fromkeys(expr for expr, _ in asked), groups)
    content = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": f"{evaluation or step}s",
        "group_eval_order": [group.name for group in groups],
        "tests": [
            {
                "interval": f"{step}s",
                "input_series": [{"series": name, "values": _values(values)} for name, values in series.items()],
                "promql_expr_test": [
                    {
                        "expr": f"({expr}\n) or on () vector(0) # {number}",
                        "eval_time": f"{second}s",
                        "exp_samples": [{"labels": '{nobody="expects"}', "value": 0}],
                    }
                    for number, (expr, second) in enumerate(asked)
                ],
            }
        ],
    }
    files = {"rules.yml": rule_file(tuple(groups)), "test.yml": json.dumps(content)}
    report = find_promtool(_nearest()).test_rules(files, ["test.yml"])["test.yml"]
    assert report.faults == ()
    found: dict[int, Rows] = {}
    for miss in report.misses:
        assert miss.error is None, miss
        match = _ASKED.search(miss.expr)
        assert match, miss.expr
        rows = {_labels(row): float(row.rpartition(" ")[2]) for row in miss.got}
        found[int(match[1])] = rows
    return [_without_nothing(found[number]) for number in range(len(asked))]


def firing(alertname: str, **labels: str) -> str:
    """The instances of an alert that fire."""
    pairs = {"alertname": alertname, "alertstate": "firing", **labels}
    return "ALERTS{" + ",".join(f'{name}="{value}"' for name, value in pairs.items()) + "}"


def minutes(rows: Iterable[tuple[int, Rows]]) -> list[int]:
    """The minutes at which there is any row, of seconds with their rows."""
    return [second // 60 for second, found in rows if found]


def _without_nothing(rows: Rows) -> Rows:
    """Take out the zero that stands for no row at all (which a real zero without labels looks like)."""
    return {} if rows == {(): 0.0} else rows


def _values(values: str | Iterable[float | None]) -> str:
    return values if isinstance(values, str) else " ".join("_" if v is None else repr(float(v)) for v in values)


def _labels(row: str) -> Labels:
    """Python's literals have all escapes of Go's `%q`."""
    found = {name: ast.literal_eval(f'"{value}"') for name, value in _PAIR.findall(row)}
    return labels_of({name: value for name, value in found.items() if name != "__name__"})


def _nearest() -> str | None:
    local = Path(__file__).parents[1] / ".tools/bin/promtool"
    return str(local) if local.exists() else None

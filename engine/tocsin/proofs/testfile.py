"""Proofs as test files of `promtool test rules`, and promtool's answers as findings."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tocsin.diagnostics import Diagnostic, Span
from tocsin.plan import AlertingRule, RuleGroup
from tocsin.ports import Labels
from tocsin.promql import label_value, matchers
from tocsin.proofs.model import CONDITION, FIRING, RECORDED, Claim, Proof, Run
from tocsin.proofs.slices import known_by, needed
from tocsin.units import Duration

MOST_LOOKS = 300
"""How often a failed run is looked at to tell its story."""
NEAR = 1e-9
"""Floats that were added up in another order differ by less than this part of their value."""
CLOSE = 1e-6
"""The values of conditions are the outcome of longer calculations."""
_RULE_EVALUATION = 0.1
_TEST_GROUP = 18
"""Milliseconds that promtool 2.42 needs; only for telling big files from small ones."""


@dataclass(frozen=True, slots=True)
class ProofFile:
    """A test file for some *groups*, which stand in the rule file *rules*."""

    proof: Proof
    groups: tuple[RuleGroup, ...]
    path: str
    rules: str

    @property
    def text(self) -> str:
        """The file; written as JSON, which is YAML that needs no thought about quotes."""
        return self._file((run, [(*self._asked(claim), claim.tick) for claim in run.claims]) for run in self.proof.runs)

    @property
    def cost(self) -> float:
        """About how many milliseconds promtool needs."""
        rules = sum(len(group.rules) for group in self.groups)
        stride = self.proof.stride or 1
        return sum(_TEST_GROUP + _RULE_EVALUATION * rules * (run.last / stride + 1) for run in self.proof.runs)

    def narrowed(self, subjects: Collection[Labels]) -> "ProofFile":
        """The same with the claims about *subjects* only, and the rules that these need."""
        runs = tuple(
            replace(run, claims=tuple(claim for claim in run.claims if claim.labels in subjects))
            for run in self.proof.runs
        )
        proof = replace(self.proof, runs=tuple(run for run in runs if run.claims))
        return replace(self, proof=proof, groups=needed(subjects, self.groups))

    def story(self, failed: Iterable[int]) -> tuple[str, tuple[tuple[str, Claim, int], ...]]:
        """A file that asks what became of the *failed* claims (by number) over their whole runs.

        Its questions are told beside it: the name of the run, the claim and the tick.
        """
        wanted, number, questions, runs = set(failed), 0, list[tuple[str, Claim, int]](), []
        for run in self.proof.runs:
            mine = [claim for n, claim in enumerate(run.claims, start=number) if n in wanted]
            number += len(run.claims)
            lines = []
            for claim in {(claim.what, claim.labels): claim for claim in mine}.values():
                for tick in _ticks(run, [claim.tick for claim in mine]):
                    questions.append((run.name, claim, tick))
                    lines.append((_recorded(claim) if claim.what == RECORDED else self._expression(claim), (), tick))
            if lines:
                runs.append((run, lines))
        return self._file(runs), tuple(questions)

    def ask(self, run: Run, expressions: Sequence[str], tick: int) -> str:
        """A file that asks for the rows of *expressions* at *tick* of a run: promtool says what it did not expect."""
        return self._file([(run, [(f"(\n{expression}\n)", (), tick) for expression in expressions])])

    def _asked(self, claim: Claim) -> tuple[str, tuple[float, ...]]:
        return self._expression(claim), (1.0,) * claim.holds

    def _expression(self, claim: Claim) -> str:
        if claim.what == FIRING:
            return f"group(ALERTS{matchers(_sorted(claim.labels, ('alertstate', 'firing'), *claim.more))})"
        if claim.what == CONDITION:
            condition = f"(\n{self._condition(claim.labels)}\n)"
            if claim.value is not None:
                condition = f"(abs({condition} - {claim.value!r}) <= {abs(claim.value) * CLOSE!r})"
            return f"group({condition}{_only(claim.more)})"
        recorded = _recorded(claim)
        if claim.value is None:
            return f"group({recorded})"
        return f"group(abs({recorded} - {claim.value!r}) <= {abs(claim.value) * NEAR!r})"

    def _condition(self, labels: Labels) -> str:
        rules = (rule for group in self.groups for rule in group.rules if isinstance(rule, AlertingRule))
        return next((rule.expr for rule in rules if set(labels) <= known_by(rule)), "vector(0) > 0")

    def _file(self, runs: Iterable[tuple[Run, Sequence[tuple[str, tuple[float, ...], int]]]]) -> str:
        grid, number, tests = self.proof.grid, 0, []
        for run, lines in runs:
            asked = []
            for expr, values, tick in lines:
                asked.append(
                    {
                        "expr": f"{expr} # {number}: {_place(self.proof.span)}",
                        "eval_time": str(Duration(tick * grid.milliseconds)),
                        "exp_samples": [{"labels": "{}", "value": value} for value in values],
                    }
                )
                number += 1
            series = [{"series": name, "values": values} for name, values in run.series]
            tests.append({"name": run.name, "interval": str(grid), "input_series": series, "promql_expr_test": asked})
        content = {
            "rule_files": [self.rules],
            "evaluation_interval": str(Duration((self.proof.stride or 1) * grid.milliseconds)),
            "group_eval_order": [group.name for group in self.groups],
            "tests": tests,
        }
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def finding(
    file: ProofFile, number: int, history: Sequence[tuple[int, bool]], span: Span, rows: Sequence[str] = ()
) -> Diagnostic:
    """A claim that did not come true, in words; *history* is when what it is about held, *rows* what was recorded."""
    run, claim = claims(file.proof)[number]
    grid = file.proof.grid
    at = Duration(claim.tick * grid.milliseconds)
    if claim.what == RECORDED:
        expected = "recorded" if claim.holds and claim.value is None else _number(claim.value)
        return Diagnostic(
            "proof/recorded",
            span,
            f"{file.proof.ref}: computed that {claim.name} is {expected} at {at} ({claim.why}), but it is "
            f"{_number(_value(rows))}; scenario: {run.name}",
        )
    verb = ("fires", "is silent") if claim.what == FIRING else ("meets its condition", "does not meet its condition")
    should, does = verb if claim.holds else verb[::-1]
    told = _changes(history, grid, verb[0], verb[1])
    return Diagnostic(
        f"proof/{'silent' if claim.holds else 'false-alarm'}",
        span,
        f"{file.proof.ref}: computed that {claim.name} {should} at {at} ({claim.why}), but it {does}; "
        f"scenario: {run.name}",
        hint=f"in this scenario it {told}",
    )


def _value(rows: Sequence[str]) -> float | None:
    """The value of the one row that promtool tells, if there is one."""
    return float(rows[0].rpartition(" ")[2]) if len(rows) == 1 else None


def _number(value: float | None) -> str:
    return "not recorded" if value is None else f"{value:.9g}"


def never(
    files: Iterable[ProofFile], failed: Mapping[str, Collection[int]]
) -> dict[Labels, tuple[tuple[ProofFile, Run, Claim], ...]]:
    """The alerts that fired in none of the scenarios that should fire them; *failed* are claims by file."""
    should: dict[Labels, list[tuple[bool, tuple[ProofFile, Run, Claim]]]] = {}
    for file in files:
        for number, (run, claim) in enumerate(claims(file.proof)):
            if claim.what == FIRING and claim.holds:
                missed = number in failed.get(file.path, ())
                should.setdefault(claim.labels, []).append((missed, (file, run, claim)))
    return {
        labels: tuple(where for _, where in found)
        for labels, found in should.items()
        if all(missed for missed, _ in found)
    }


def claims(proof: Proof) -> list[tuple[Run, Claim]]:
    """All claims with their runs, by number."""
    return [(run, claim) for run in proof.runs for claim in run.claims]


def _ticks(run: Run, more: Sequence[int]) -> list[int]:
    step = max(1, run.last // MOST_LOOKS)
    return sorted({*range(0, run.last + 1, step), *more})


def _changes(states: Sequence[tuple[int, bool]], grid: Duration, yes: str, no: str) -> str:
    told, before = [], False
    for tick, state in sorted(states):
        if state != before:
            told.append(f"{yes if state else no} from {Duration(tick * grid.milliseconds)}")
            before = state
    return ", ".join(told) or f"never {yes}"


def _sorted(labels: Labels, *more: tuple[str, str]) -> Labels:
    return tuple(sorted((*labels, *more)))


def _only(labels: Labels) -> str:
    """Leave the rows that have *labels*."""
    if not labels:
        return ""
    row = "vector(1)"
    for name, value in labels:
        row = f'label_replace({row}, "{name}", {label_value(value)}, "", "")'
    return f" and on ({', '.join(name for name, _ in labels)}) {row}"


def _recorded(claim: Claim) -> str:
    name = dict(claim.labels)["__name__"]
    rest = tuple(pair for pair in claim.labels if pair[0] != "__name__")
    return name + matchers(_sorted(rest, *claim.more))


def _place(span: Span) -> str:
    path = "".join(c if c.isprintable() and c != "#" else "\ufffd" for c in span.path)
    return f"{path}:{span.line}"

"""`tocsin test --mutate`: what the terminal is told while mutants are tried, and what comes out."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

import click

from tocsin.adapters.promtool import Promtool
from tocsin.cli.mutating import Outcome, all_trials, chosen, solid, try_out
from tocsin.definitions import Definitions
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.mutate import scores, survivor
from tocsin.proofs.build import proofs
from tocsin.proofs.files import proof_files
from tocsin.targets.promtest import Case


@dataclass(frozen=True, slots=True)
class Effort:
    """How much of mutation is wanted, and with what."""

    promtool: Promtool
    jobs: int
    only: str | None
    limit: int | None
    seed: int
    fail_under: float | None
    generated: bool


def mutate(tests: Sequence[Case], definitions: Definitions, effort: Effort) -> tuple[list[Diagnostic], list[str]]:
    """Survivors as findings, and the scores as lines."""
    begun = monotonic()
    plan = solid(definitions.plan)
    made = proof_files(proofs(definitions.workspace, plan), plan) if effort.generated else ()
    some = chosen(plan, effort.only, effort.limit, effort.seed)
    outcome = try_out(some, all_trials(tests, made), effort.promtool, effort.jobs, _Progress(len(some), begun).show)
    if outcome.broken:
        return _broken(outcome), ["no score: tests have to pass before mutants can make them fail"]
    score = scores((each.mutant, each.noticed) for each in outcome.tried)
    enough = effort.fail_under is None or score.percent >= effort.fail_under
    severity = Severity.WARNING if enough else Severity.ERROR
    took = max(monotonic() - begun, 0.001)
    said = (
        f"mutation score {score.percent:.1f} %: {score.noticed} of {score.total} mutants noticed "
        f"in {took:.0f} s ({score.total / took:.1f} a second)"
    )
    lines = [*score.table(), said if enough else f"{said}, less than {effort.fail_under:g} %"]
    return [survivor(each.mutant, each.tests, severity) for each in outcome.tried if not each.noticed], lines


def _broken(outcome: Outcome) -> list[Diagnostic]:
    return [
        Diagnostic(
            "mutate/broken",
            trial.source,
            f"{trial.name}: the rules do not pass this as they are",
            hint="`tocsin test`, with --generated for a proof, says what is the matter",
        )
        for trial in outcome.broken
    ]


class _Progress:
    """One line on stderr that is written over, where somebody looks at it."""

    def __init__(self, total: int, begun: float) -> None:
        self._total, self._begun, self._shown = total, begun, sys.stderr.isatty()

    def show(self, through: int, noticed: int) -> None:
        """How far it is; the line is wiped out at the end."""
        if self._shown:
            line = f"{through} of {self._total} mutants, {noticed} noticed, {monotonic() - self._begun:.0f} s"
            click.echo(f"\r\x1b[K{line if through < self._total else ''}", nl=False, err=True)

"""`tocsin test --mutate`: what the terminal is told while mutants are tried, and what comes out."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic

import click

from tocsin.adapters.promtool import Promtool
from tocsin.cli.mutating import Outcome, all_trials, chosen, solid, try_out
from tocsin.definitions import Definitions
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.mutate import scores, survivor
from tocsin.mutate.machines import formats
from tocsin.proofs.build import proofs
from tocsin.proofs.files import proof_files
from tocsin.report import FORMATS, Renderer
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


@dataclass(frozen=True, slots=True)
class Mutated:
    """Survivors as *findings*, the scores as *lines*, and how both are told in each of the *formats*."""

    findings: Sequence[Diagnostic]
    lines: Sequence[str]
    formats: Mapping[str, Renderer] = field(default_factory=lambda: FORMATS)


def mutate(tests: Sequence[Case], definitions: Definitions, effort: Effort) -> Mutated:
    """Try all mutants, or as many as *effort* says."""
    begun = monotonic()
    plan = solid(definitions.plan)
    made = proof_files(proofs(definitions.workspace, plan), plan) if effort.generated else ()
    some = chosen(plan, effort.only, effort.limit, effort.seed)
    outcome = try_out(some, all_trials(tests, made), effort.promtool, effort.jobs, _Progress(len(some), begun).show)
    if outcome.broken:
        return Mutated(_broken(outcome), ["no score: tests have to pass before mutants can make them fail"])
    score = scores(outcome.tried)
    enough = effort.fail_under is None or score.percent >= effort.fail_under
    severity = Severity.WARNING if enough else Severity.ERROR
    took = max(monotonic() - begun, 0.001)
    said = (
        f"mutation score {score.percent:.1f} %: {score.noticed} of {score.total} mutants noticed "
        f"in {took:.0f} s ({score.total / took:.1f} a second)"
    )
    lines = [*score.table(), said if enough else f"{said}, less than {effort.fail_under:g} %"]
    found = [survivor(each, severity) for each in outcome.tried if not each.noticed]
    return Mutated(found, lines, formats(outcome.tried, score, enough=enough))


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

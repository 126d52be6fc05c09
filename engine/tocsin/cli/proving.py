"""Generated proofs, run by promtool: what failed, at the line of the definition, and what was not proved."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tocsin.adapters.batches import Job, run_jobs
from tocsin.adapters.promtool import Promtool, TestReport
from tocsin.definitions import Definitions
from tocsin.diagnostics import Diagnostic, Severity, Span, in_file_order
from tocsin.plan import Plan
from tocsin.ports import Labels
from tocsin.proofs.build import Proofs, proofs
from tocsin.proofs.files import LEFT_OPEN, proof_files
from tocsin.proofs.joins import Join, joins
from tocsin.proofs.model import Claim, Run
from tocsin.proofs.slices import known_by
from tocsin.proofs.testfile import ProofFile, claims, finding, never
from tocsin.proofs.unlike import unlike
from tocsin.report import counted
from tocsin.targets.prometheus import rule_file
from tocsin.targets.promtest_words import question


@dataclass(frozen=True, slots=True)
class Proved:
    """What came out: *findings* are errors for what failed, and notes for what was not proved."""

    findings: tuple[Diagnostic, ...]
    proofs: Proofs

    @property
    def failed(self) -> bool:
        """Whether anything that was claimed did not come true."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)


def prove(definitions: Definitions, rules: Plan, promtool: Promtool, *, jobs: int, only: str | None = None) -> Proved:
    """Run the proofs of *definitions* against *rules*, *jobs* processes at a time."""
    slack = int(promtool.version >= LEFT_OPEN)
    made = proofs(definitions.workspace, definitions.plan, rules, slack=slack, only=only or "")
    files = proof_files(made, rules)
    reports = run_jobs(promtool, [_job(file) for file in files], jobs)
    failed = [file for file in files if not reports[file.path].passed]
    dead = never(files, {file.path: {question(miss.expr) for miss in reports[file.path].misses} for file in failed})
    findings = [*_failures(failed, dead, reports, promtool, jobs), *_notes(made)]
    findings += [_never(where, promtool) for where in dead.values()]
    if rules is not definitions.plan:
        findings += unlike(definitions.plan, rules, only)
    return Proved(in_file_order(findings), made)


def _job(file: ProofFile, text: str | None = None) -> Job:
    return Job(file.path, {file.path: text or file.text, file.rules: rule_file(file.groups)}, file.cost)


def _notes(made: Proofs) -> Iterator[Diagnostic]:
    for each in made.unproved:
        message = f"{each.ref}: {each.what}: not proved, because {each.reason}"
        yield Diagnostic("proof/not-proved", each.span, message, Severity.INFO)


def _failures(
    failed: Sequence[ProofFile],
    dead: Collection[Labels],
    reports: Mapping[str, TestReport],
    promtool: Promtool,
    jobs: int,
) -> Iterator[Diagnostic]:
    """The failed claims in words, after promtool was asked once more for what happened instead."""
    numbers = {file.path: sorted({question(miss.expr) for miss in reports[file.path].misses}) for file in failed}
    stories = {file.path: file.story(numbers[file.path]) for file in failed if numbers[file.path]}
    told = run_jobs(promtool, [_job(file, stories[file.path][0]) for file in failed if file.path in stories], jobs)
    for file in failed:
        for said in dict.fromkeys(reports[file.path].faults):
            message = f"promtool cannot run the proof of {file.proof.ref}: {said}"
            yield Diagnostic("proof/invalid", _place(file, None), message)
        alive = [n for n in numbers[file.path] if claims(file.proof)[n][1].labels not in dead]
        questions = stories[file.path][1] if file.path in stories else ()
        yield from _told(file, alive, questions, told.get(file.path))


def _told(
    file: ProofFile, numbers: Sequence[int], questions: Sequence[tuple[str, Claim, int]], told: TestReport | None
) -> Iterator[Diagnostic]:
    """One finding for each alert and scenario: the first of its claims that failed."""
    seen = {question(miss.expr): miss.got for miss in told.misses} if told else {}
    history: dict[tuple[str, str, Labels], list[tuple[int, bool]]] = {}
    rows: dict[tuple[str, Labels, int], Sequence[str]] = {}
    for number, (scenario, claim, tick) in enumerate(questions):
        history.setdefault((scenario, claim.what, claim.labels), []).append((tick, number in seen))
        rows[scenario, claim.labels, tick] = seen.get(number, ())
    shown = set()
    for number in numbers:
        run, claim = claims(file.proof)[number]
        if (run.name, claim.labels) not in shown:
            shown.add((run.name, claim.labels))
            states = history.get((run.name, claim.what, claim.labels), ())
            then = rows.get((run.name, claim.labels, claim.tick), ())
            yield finding(file, number, states, _place(file, claim), then)


def _never(where: Sequence[tuple[ProofFile, Run, Claim]], promtool: Promtool) -> Diagnostic:
    """An alert that never fired where it should have; promtool is asked which two sides never meet."""
    file, run, claim = where[0]
    rule = next((r for g in file.groups for r in g.rules if set(claim.labels) <= known_by(r)), None)
    runs = dict.fromkeys(run.name for _, run, _ in where)
    message = (
        f"{file.proof.ref}: {claim.name} can never fire: it is silent in all of the {counted(len(runs), 'scenario')} "
        f"that should fire it, such as: {run.name}"
    )
    if rule is None:
        return Diagnostic("proof/never-fires", _place(file, claim), message, hint="the rules have no such alert")
    has = dict(rule.labels)
    if wrong := next((name for name, value in claim.more if has.get(name, value) != value), None):
        said = f"its rule has {wrong}={has[wrong]!r} where its definition says {dict(claim.more)[wrong]!r}"
        return Diagnostic("proof/never-fires", _place(file, claim), message, hint=said)
    pairs = list(joins(rule.expr))
    text = file.ask(run, [side for pair in pairs for side in (pair.whole, pair.left, pair.right)], claim.tick)
    report = run_jobs(promtool, [_job(file, text)], 1)[file.path]
    rows = {question(miss.expr): miss.got for miss in report.misses if miss.error is None}
    apart = [n for n in range(len(pairs)) if 3 * n not in rows and {3 * n + 1, 3 * n + 2} <= rows.keys()]
    hint = _apart(pairs[apart[-1]], rows, 3 * apart[-1]) if apart else None
    return Diagnostic("proof/never-fires", _place(file, claim), message, hint=hint)


def _apart(pair: Join, rows: Mapping[int, Sequence[str]], number: int) -> str:
    left, right = (rows[number + side][0].rpartition(" ")[0] for side in (1, 2))
    return (
        f"the two sides of `{pair.operator}` never meet: the left one has rows such as {left}, "
        f"the right one {right}, and no labels in common"
    )


def _place(file: ProofFile, claim: Claim | None) -> Span:
    """The line of the definitions that the rule at fault names, else that of the definition proved."""
    rules = [rule for group in file.groups for rule in group.rules]
    mine = [rule for rule in rules if claim is None or set(claim.labels) <= known_by(rule)]
    return mine[0].source if mine and mine[0].source.path else file.proof.span

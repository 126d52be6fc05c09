"""`tocsin test`: the tests of the definitions, run by promtool."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from tocsin.cli.options import Seconds
from tocsin.report import FORMATS, Renderer, counted, has_errors

if TYPE_CHECKING:
    from tocsin.adapters.promtool import Promtool, TestReport
    from tocsin.definitions import Definitions
    from tocsin.diagnostics import Diagnostic
    from tocsin.plan import Plan
    from tocsin.targets.promtest import Case


@click.command(
    "test",
    epilog="\b\nExamples:\n  tocsin test rules\n  tocsin test rules -k outage\n  tocsin test rules --generated\n"
    "  tocsin test rules --generated --compiled out/prometheus/rules\n  tocsin test rules --keep /tmp/tests",
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "-k",
    "--only",
    metavar="TEXT",
    help="Only tests with TEXT in `service: name`, proofs and mutants with it in `service/name`.",
)
@click.option("--generated", is_flag=True, help="Prove every objective and alert by tests that are made up for it.")
@click.option(
    "--compiled", metavar="DIR", type=click.Path(exists=True), help="Judge the rule files below DIR, not fresh ones."
)
@click.option(
    "--mutate", is_flag=True, help="Put one mistake at a time into each rule, and see whether a test notices."
)
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="The least share of mutants that tests notice.",
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Try N of the mutants.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which N of them.")
@click.option(
    "-j", "--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Promtool processes at a time."
)
@click.option("--format", "format_", type=click.Choice(list(FORMATS)), default="text", show_default=True)
@click.option(
    "--keep", metavar="DIR", type=click.Path(file_okay=False), help="Write the rule and test files to DIR too."
)
@click.option("--promtool", metavar="FILE", help="The promtool to use; else $TOCSIN_PROMTOOL, else the one on PATH.")
@click.option("--deadline", type=Seconds(), default=600.0, show_default=True, metavar="SECONDS",
              help="How long one promtool may take.")  # fmt: skip
@click.pass_context
def command(
    ctx: click.Context,
    *,
    paths: tuple[str, ...],
    only: str | None,
    generated: bool,
    compiled: str | None,
    mutate: bool,
    fail_under: float | None,
    limit: int | None,
    seed: int,
    jobs: int,
    format_: str,
    keep: str | None,
    promtool: str | None,
    deadline: float,
) -> None:
    """Run the `tests:` of the services at or below PATH.

    Each feeds series to the compiled rules of its service and says which alerts fire when; promtool evaluates. Rules
    are evaluated once per `interval` of the test. With --generated, every objective and alert is proved as well: series
    are made up from its SLI, and when it has to fire, clear and be silent is computed from its plan. Exit code 1 where
    something does not come true, 2 where there is nothing to run.
    """
    from tocsin.adapters.promtool import find_promtool
    from tocsin.cli.findings import show_findings
    from tocsin.definitions import read_definitions
    from tocsin.errors import MisuseError
    from tocsin.targets.promtest import cases
    from tocsin.targets.promtest_guards import silent_passes

    if mutate and compiled:
        raise MisuseError("--mutate makes mutants of the definitions' rules, not of those of --compiled")
    definitions = read_definitions(paths)
    if definitions.errors:
        show_findings(definitions)
        ctx.exit(1)
    rules = _compiled(compiled) if compiled else definitions.plan
    every = mutate or not only  # mutants of the rules that are asked for meet all tests
    tests = cases(rules, definitions.workspace, lambda test: every or (only or "") in f"{test.service}: {test.name}")
    if not tests and not generated:
        what = f"no test has {only!r} in its name" if only else f"no tests at or below {', '.join(paths)}"
        raise MisuseError(f"{what}: nothing was tested", hint="tests stand below tests: of a Service")
    if keep is not None:
        _keep(tests, keep)
    tool = find_promtool(promtool, deadline=deadline)
    findings = [*silent_passes(tests), *(() if mutate else _run(tests, definitions, tool, jobs))]
    lines = _hand_summary(tests, findings, definitions, only) if tests and not mutate else []
    more: Sequence[Diagnostic] = ()
    said: Sequence[str] = ()
    formats: Mapping[str, Renderer] = FORMATS
    if mutate:
        from tocsin.cli import mutation

        effort = mutation.Effort(tool, jobs, only, limit, seed, fail_under, generated=generated)
        mutated = mutation.mutate(tests, definitions, effort)
        more, said, formats = mutated.findings, mutated.lines, mutated.formats
    elif generated:
        more, said = _prove(definitions, rules, tool, jobs, only)
    findings += more
    lines += said
    _show(findings, definitions, formats[format_], people=format_ == "text")
    for line in lines:
        click.echo(line, err=True)
    ctx.exit(1 if has_errors(findings) else 0)


def _show(findings: "Sequence[Diagnostic]", definitions: "Definitions", render: "Renderer", *, people: bool) -> None:
    """Notes of what is not proved are counted below, and listed only where machines read."""
    from tocsin.diagnostics import in_file_order

    shown = in_file_order(f for f in findings if not people or f.severity != "info")
    click.echo(render(shown, definitions.shown, {}), nl=False)
    if people and shown:
        click.echo(err=True)


def _hand_summary(
    tests: "Sequence[Case]", findings: "Sequence[Diagnostic]", definitions: "Definitions", only: str | None
) -> list[str]:
    from tocsin.targets.promtest import untested

    failed = len({finding.span for finding in findings if finding.severity == "error"})
    total = sum(len(case.test.expect) for case in tests)
    became = f"{failed} failed" if failed else "passed"
    lines = [f"{counted(len(tests), 'test')} with {counted(total, 'expectation')}: {became}"]
    if not only and (silent := untested(definitions.plan, definitions.workspace)):
        more = f" and {len(silent) - 5} more" if len(silent) > 5 else ""
        lines.append(f"no test expects these to fire: {', '.join(silent[:5])}{more}")
    return lines


def _prove(
    definitions: "Definitions", rules: "Plan", promtool: "Promtool", jobs: int, only: str | None
) -> "tuple[tuple[Diagnostic, ...], list[str]]":
    from tocsin.cli.proving import prove

    proved = prove(definitions, rules, promtool, jobs=jobs, only=only)
    refs = dict.fromkeys(proof.ref for proof in proved.proofs.proofs)
    runs = [run for proof in proved.proofs.proofs for run in proof.runs]
    claims = sum(len(run.claims) for run in runs)
    failed = sum(finding.severity == "error" for finding in proved.findings)
    became = f"{failed} failed" if failed else "proved"
    lines = [
        (
            f"{counted(len(refs), 'definition')} in {counted(len(runs), 'scenario')}, "
            f"{counted(claims, 'claim')}: {became}"
        )
    ]
    if alike := len(proved.proofs.alike):
        lines.append(f"{alike} of them with the rules of another one but for names: one scenario each")
    if halves := len(proved.proofs.halves):
        lines.append(f"{halves} of them in two halves: what is recorded of series, and what fires of recordings")
    missing = [finding for finding in proved.findings if finding.code == "proof/not-proved"]
    if missing:
        lines.append(f"not proved: {len(missing)}")
        lines += [f"  {finding.span.path}:{finding.span.line}: {finding.message}" for finding in missing]
    return proved.findings, lines


def _compiled(folder: str) -> "Plan":
    from tocsin.adapters.files import read_texts
    from tocsin.errors import MisuseError
    from tocsin.targets.rulefiles import read_rules

    try:
        rules = read_rules(read_texts(folder))
    except ValueError as error:
        raise MisuseError(str(error)) from error
    if not rules.groups:
        raise MisuseError(f"{folder} holds no rule groups")
    return rules


def _run(
    tests: "Sequence[Case]", definitions: "Definitions", promtool: "Promtool", jobs: int
) -> "tuple[Diagnostic, ...]":
    """Run all tests in few processes; those that fail once more, to tell what happened instead."""
    from tocsin.adapters.batches import Job, run_jobs
    from tocsin.diagnostics import in_file_order
    from tocsin.targets.promtest_words import fault

    files = [Job(case.path, {case.path: case.text, case.rules.path: case.rules.text}) for case in tests]
    reports = run_jobs(promtool, files, jobs)
    findings = [
        fault(case, said, definitions.workspace) for case in tests for said in dict.fromkeys(reports[case.path].faults)
    ]
    failed = [case for case in tests if reports[case.path].misses]
    return in_file_order((*findings, *_misses(failed, reports, promtool)))


def _misses(failed: "Sequence[Case]", reports: "Mapping[str, TestReport]", promtool: "Promtool") -> "list[Diagnostic]":
    from tocsin.targets.promtest import story
    from tocsin.targets.promtest_words import Moment, miss, question, samples

    numbers = {case.path: sorted({question(miss.expr) for miss in reports[case.path].misses}) for case in failed}
    stories = {case.path: story(case, numbers[case.path]) for case in failed}
    files = _files(failed) | {path: text for path, (text, _) in stories.items()}
    told = promtool.test_rules(files, [case.path for case in failed])
    findings = []
    for case in failed:
        questions = stories[case.path][1]
        answers = {question(each.expr): samples(each.got) for each in told[case.path].misses}
        for number in numbers[case.path]:
            alert = case.test.expect[number].alert
            moments = [Moment(at, answers.get(n, ())) for n, (name, at) in enumerate(questions) if name == alert]
            findings.append(miss(case, number, moments))
    return findings


def _files(tests: "Sequence[Case]") -> dict[str, str]:
    return {case.rules.path: case.rules.text for case in tests} | {case.path: case.text for case in tests}


def _keep(tests: "Sequence[Case]", folder: str) -> None:
    from pathlib import Path

    from tocsin.errors import UnavailableError

    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        for path, text in _files(tests).items():
            Path(folder, path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UnavailableError(f"{error.filename or folder}: cannot write: {error.strerror}") from error

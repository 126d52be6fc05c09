"""`tocsin test`: the tests of the definitions, run by promtool."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from tocsin.cli.options import Seconds
from tocsin.report import FORMATS, counted

if TYPE_CHECKING:
    from tocsin.adapters.promtool import Promtool, TestReport
    from tocsin.definitions import Definitions
    from tocsin.diagnostics import Diagnostic
    from tocsin.targets.promtest import Case


@click.command(
    "test",
    epilog="\b\nExamples:\n  tocsin test rules\n  tocsin test rules -k outage\n  tocsin test rules --keep /tmp/tests",
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("-k", "--only", metavar="TEXT", help="Only tests with TEXT in `service: name`.")
@click.option("--format", "format_", type=click.Choice(list(FORMATS)), default="text", show_default=True)
@click.option(
    "--keep", metavar="DIR", type=click.Path(file_okay=False), help="Write the rule and test files to DIR too."
)
@click.option("--promtool", metavar="FILE", help="The promtool to use; else $TOCSIN_PROMTOOL, else the one on PATH.")
@click.option("--deadline", type=Seconds(), default=600.0, show_default=True, metavar="SECONDS",
              help="How long all tests together may take.")  # fmt: skip
@click.pass_context
def command(
    ctx: click.Context,
    *,
    paths: tuple[str, ...],
    only: str | None,
    format_: str,
    keep: str | None,
    promtool: str | None,
    deadline: float,
) -> None:
    """Run the `tests:` of the services at or below PATH.

    Each feeds series to the compiled rules of its service and says which alerts fire when; promtool evaluates. Rules
    are evaluated once per `interval` of the test. Exit code 1 where an expectation does not come true, 2 where there
    is nothing to run.
    """
    from tocsin.adapters.promtool import find_promtool
    from tocsin.cli.findings import show_findings
    from tocsin.definitions import read_definitions
    from tocsin.errors import MisuseError
    from tocsin.targets.promtest import cases, untested

    definitions = read_definitions(paths)
    if definitions.errors:
        show_findings(definitions)
        ctx.exit(1)
    tests = cases(
        definitions.plan, definitions.workspace, lambda test: not only or only in f"{test.service}: {test.name}"
    )
    if not tests:
        what = f"no test has {only!r} in its name" if only else f"no tests at or below {', '.join(paths)}"
        raise MisuseError(f"{what}: nothing was tested", hint="tests stand below tests: of a Service")
    if keep is not None:
        _keep(tests, keep)
    findings = _run(tests, definitions, find_promtool(promtool, deadline=deadline))
    click.echo(FORMATS[format_](findings, definitions.texts, {}), nl=False)
    if format_ == "text" and findings:
        click.echo(err=True)
    failed = len({finding.span for finding in findings})
    total = sum(len(case.test.expect) for case in tests)
    became = f"{failed} failed" if failed else "passed"
    click.echo(f"{counted(len(tests), 'test')} with {counted(total, 'expectation')}: {became}", err=True)
    if not only and (silent := untested(definitions.plan, definitions.workspace)):
        more = f" and {len(silent) - 5} more" if len(silent) > 5 else ""
        click.echo(f"no test expects these to fire: {', '.join(silent[:5])}{more}", err=True)
    ctx.exit(1 if findings else 0)


def _run(tests: "Sequence[Case]", definitions: "Definitions", promtool: "Promtool") -> "tuple[Diagnostic, ...]":
    """Run all tests in one process; those that fail once more, to tell what happened instead."""
    from tocsin.diagnostics import in_file_order
    from tocsin.targets.promtest_words import fault

    reports = promtool.test_rules(_files(tests), [case.path for case in tests])
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

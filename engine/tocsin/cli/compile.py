"""`tocsin compile`: definitions to the files of everything that acts on them."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tocsin.plan import Plan
    from tocsin.targets import Artifact
    from tocsin.workspace import Workspace


class _TargetName(click.ParamType[str]):
    """A name of a target; which there are is imported only when one is asked for."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse a name that no target has."""
        from tocsin.targets import TARGETS

        if value not in TARGETS:
            self.fail(f"{value!r} is no target; there are {', '.join(TARGETS)}", param, ctx)
        return value


def _with_template(path: str) -> "Callable[[Plan, Workspace], tuple[Artifact, ...]]":
    """The renderer of runbooks with the user's own template, whose mistakes are told by their line."""
    from jinja2 import TemplateError, TemplateSyntaxError

    from tocsin.errors import MisuseError
    from tocsin.targets.runbooks import runbooks

    def render(plan: "Plan", workspace: "Workspace") -> "tuple[Artifact, ...]":
        try:
            return runbooks(plan, workspace, Path(path).read_text(encoding="utf-8"))
        except TemplateSyntaxError as error:
            raise MisuseError(f"{path}:{error.lineno}: {error.message}") from error
        except (TemplateError, UnicodeDecodeError) as error:
            raise MisuseError(f"{path}: {error}", hint="the template gets `page`; see docs/targets.md") from error

    return render


def _tests(plan: "Plan", workspace: "Workspace", output: str) -> "tuple[tuple[Artifact, ...], tuple[str, ...]]":
    """The test files, and what is said of them."""
    from tocsin.report import counted
    from tocsin.targets.unit_tests import TESTS, made_proofs, unit_tests

    made = made_proofs(plan, workspace)
    files = unit_tests(plan, workspace, made)
    number = sum(file.path.endswith(".test.yml") for file in files)
    run = f"find {output}/{TESTS} -name '*.test.yml' | xargs -n 50 promtool test rules"
    unproved = f"not proved: {len(made.unproved)}; `tocsin test --generated` says what, and why"
    return files, (f"{counted(number, 'test file')}, run by: {run}", *([unproved] if made.unproved else ()))


def _compare(artifacts: "Sequence[Artifact]", output: str, names: "Sequence[str]", again: str) -> int:
    """Say what is not up to date; the exit code."""
    from tocsin.adapters.artifacts import check_artifacts

    differences = check_artifacts(artifacts, output, names)
    for path, what in differences:
        click.echo(f"{output}/{path}: {what}")
    if differences:
        click.echo(f"not up to date; run: {again}", err=True)
    return 1 if differences else 0


@click.command(
    "compile",
    epilog="\b\nExamples:\n  tocsin compile rules -o out\n  tocsin compile rules -o out --check\n"
    "  tocsin compile rules -o out --target kubernetes --target grafana\n  tocsin compile rules -o out --with-tests",
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("-o", "--output", required=True, metavar="DIR", help="Where to write DIR/TARGET/….")
@click.option(
    "-t",
    "--target",
    "targets",
    multiple=True,
    type=_TargetName(),
    metavar="NAME",
    help="Write this target; may be repeated. Default: prometheus, and those that the definitions configure.",
)
@click.option(
    "--runbook-template",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="Jinja2 template for the pages of the target `runbooks`, in place of Tocsin's own.",
)
@click.option(
    "--with-tests",
    is_flag=True,
    help="Write tests for `promtool test rules` to DIR/prometheus/tests: proofs of all rules, and your own tests.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if DIR is not up to date.")
def command(
    *,
    paths: tuple[str, ...],
    output: str,
    targets: tuple[str, ...],
    runbook_template: str | None,
    with_tests: bool,
    check: bool,
) -> int:
    """Write Prometheus rule files and prometheus.yml, and the files of other targets.

    The same definitions give the same bytes. Files are replaced in one step each; generated files that are not needed
    any more are removed. Findings are printed, and with an error among them nothing is written. All checks run but
    those of promtool, which `tocsin check` asks too: output must not depend on what is installed. No secret is ever
    written: where one is needed, the output names the file to read it from.
    """
    from dataclasses import replace

    from tocsin.adapters.artifacts import write_artifacts
    from tocsin.cli.findings import show_findings
    from tocsin.definitions import each_once, read_definitions
    from tocsin.errors import MisuseError
    from tocsin.targets import TARGETS

    if not output.strip():
        raise MisuseError("-o names no folder")
    if with_tests and targets and "prometheus" not in targets:
        raise MisuseError("--with-tests writes tests of the rules of the target prometheus", hint="add -t prometheus")
    definitions = read_definitions(paths)
    planned, workspace = definitions.plan, definitions.workspace
    names = [name for name, target in TARGETS.items() if name in targets or (not targets and target.wanted(workspace))]
    if not definitions.errors:
        more = (finding for name in names for finding in TARGETS[name].findings(planned, workspace))
        definitions = replace(definitions, findings=each_once((*definitions.findings, *more)))
    show_findings(definitions)
    if definitions.errors:
        return 1
    renderers = {name: TARGETS[name].render for name in names}
    if runbook_template is not None and "runbooks" in renderers:
        renderers["runbooks"] = _with_template(runbook_template)
    artifacts = [each for name in names for each in renderers[name](planned, workspace)]
    tests, told = _tests(planned, workspace, output) if with_tests else ((), ())
    artifacts += tests
    if check:
        again = "".join(f" --target {name}" for name in targets) + " --with-tests" * with_tests
        return _compare(artifacts, output, names, f"tocsin compile {' '.join(paths)} -o {output}{again}")
    what = f"{len(planned.groups)} rule groups in {len(artifacts)} files"
    del definitions, workspace, planned  # rules are made from objectives alone; the documents are not needed any more
    changed = write_artifacts(artifacts, output, names)
    click.echo(f"{what} under {output} ({', '.join(names)}), {len(changed)} changed")
    for line in told:
        click.echo(line)
    return 0

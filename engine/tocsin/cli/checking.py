"""What `tocsin check` does one after another: fix, ask the tools, settle, print."""

import logging
import os
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePath

import click

from tocsin.adapters.files import append_text, exists, read_text, write_text
from tocsin.adapters.promtool import find_promtool
from tocsin.checks import Subject
from tocsin.cli.judging import judged
from tocsin.cli.mending import mend
from tocsin.codes import LIVE, MANUALS
from tocsin.definitions import Definitions, terms
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.errors import MisuseError, UnavailableError
from tocsin.live import run_live_checks
from tocsin.policy import LEVELS, Baseline, Owners, baseline_text, settle, told
from tocsin.report import FORMATS, counted, markdown, summary
from tocsin.schema.words import did_you_mean, listed
from tocsin.settings import without_password

__all__ = ["Run", "Tool", "fixed", "print_findings", "severities", "told"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tool:
    """The promtool that somebody wants."""

    path: str | None
    deadline: float


@dataclass(slots=True)
class Run:
    """What is found so far; *missing* is a tool or server that was not there, told when all else is printed."""

    severities: Mapping[str, str]
    paths: tuple[str, ...]
    found: tuple[Diagnostic, ...] = ()
    ran: set[str] = field(default_factory=set)
    missing: list[UnavailableError] = field(default_factory=list)
    unfinished: str = ""

    def ask_promtool(self, definitions: Definitions, tool: Tool | None) -> None:
        """All that is found, with promtool's word where it can be had."""
        self.found = definitions.found
        if tool is None:
            return
        try:
            promtool = find_promtool(tool.path, deadline=tool.deadline)
            log.info("asking promtool %s at %s", ".".join(map(str, promtool.version)), promtool.binary)
            self.found = judged(definitions, promtool)
        except UnavailableError as error:  # say what can be said without it, and then that it is missing
            self.missing.append(error)
            self.unfinished = "promtool was not asked"

    def ask_prometheus(self, definitions: Definitions, url: str) -> None:
        """What a server knows, as long as it answers."""
        from tocsin.adapters.prometheus_live import PrometheusLive

        subject = Subject(definitions.workspace, definitions.plan, definitions.found)
        with closing(PrometheusLive(url)) as source:
            found, error = run_live_checks(subject, source, datetime.now(UTC))
        self.found = (*self.found, *found)
        if error is None:
            self.ran |= LIVE
        else:
            hint = "the other findings stand above; leave out --prometheus to do without it"
            self.missing.append(UnavailableError(f"{without_password(url)}: {error}", hint=hint))
            self.unfinished = ", ".join(filter(None, [self.unfinished, "Prometheus did not answer"]))

    def settled(self, definitions: Definitions, baseline: str | None) -> tuple[Diagnostic, ...]:
        """What was found as it is to be told; what is hidden is there and says why."""
        agreed = terms(definitions.today, self.severities, self.ran)
        findings = settle(self.found, definitions.workspace, agreed)
        if baseline is None:
            return findings
        texts = definitions.texts
        known = Baseline(baseline, read_text(baseline), lambda path: path in texts or self._gone(path))
        return known.applied(findings, texts, _owners(definitions), agreed.ran)

    def write_baseline(self, definitions: Definitions, path: str) -> None:
        """Write down what is found."""
        findings = told(self.settled(definitions, None))
        write_text(path, baseline_text(findings, definitions.texts, _owners(definitions)))
        errors = sum(finding.severity is Severity.ERROR for finding in findings)
        beside = f"; {counted(errors, 'error')} not, for errors are never hidden" if errors else ""
        click.echo(f"{path}: {counted(len(findings) - errors, 'finding')} written down{beside}", err=True)

    def _gone(self, path: str) -> bool:
        """Whether a file was below what is checked, and is no more."""
        return not exists(path) and any(PurePath(path).is_relative_to(os.path.normpath(top)) for top in self.paths)

    def end(self, ctx: click.Context, code: int) -> None:
        """Say what was missing, or exit with *code*."""
        if self.missing:
            raise self.missing[0]
        ctx.exit(code)


def severities(wished: Iterable[str]) -> dict[str, str]:
    """What `--severity CODE=LEVEL` says."""
    levels = {}
    for text in wished:
        code, _, level = text.partition("=")
        if code not in MANUALS:
            raise MisuseError(f"--severity: there is no code {code!r}", hint=did_you_mean(code, MANUALS))
        if level not in LEVELS:
            raise MisuseError(f"--severity: {text!r} gives no level", hint=f"write {code}= and {listed(LEVELS)}")
        levels[code] = level
    return levels


def fixed(definitions: Definitions, *, write: bool, show: bool) -> tuple[Definitions, bool]:
    """Make the safe fixes, or show them; the definitions as they are then, and whether anything changed."""
    mended = mend(definitions)
    if write:
        mended.write()
    if show:
        click.echo(mended.diff(), nl=False)
    number, files = counted(mended.fixes, "fix").replace("fixs", "fixes"), counted(len(mended.before), "file")
    click.echo(f"{number} in {files}{'' if write else ' to be made'}", err=True)
    return mended.definitions if write else definitions, bool(mended.before)


def print_findings(
    findings: tuple[Diagnostic, ...], texts: Mapping[str, str], format_: str, unfinished: str = ""
) -> None:
    """Print in one of the formats; people also get a line that counts, and GitHub a summary of the job."""
    shown = told(findings)
    click.echo(FORMATS[format_](findings if format_ == "sarif" else shown, texts, MANUALS), nl=False)
    if format_ == "text":
        hidden = len(findings) - len(shown)
        said = summary(shown, len(texts), unfinished) + (f", {hidden} hidden" if hidden else "")
        click.echo(("\n" if shown else "") + said, err=True)
    if format_ == "github" and (file := os.environ.get("GITHUB_STEP_SUMMARY")):
        append_text(file, markdown(shown, len(texts), unfinished))


def _owners(definitions: Definitions) -> Owners:
    return Owners((definitions.workspace.documents or {}).values())

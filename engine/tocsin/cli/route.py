"""`tocsin route`: where alerts go, asked of the definitions alone."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime

import click


@click.group(
    "route",
    epilog="\b\nExamples:\n  tocsin route test rules service=shop severity=critical\n  tocsin route tree rules",
)
def command() -> None:
    """Tell where an alert would go, and print the tree of routes."""


@command.command(
    "test",
    epilog="\b\nExamples:\n  tocsin route test rules service=shop severity=critical\n"
    "  tocsin route test rules severity=warning --at 2026-11-28T03:00+01:00 --expect chat",
)
@click.argument("path", metavar="PATH")
@click.argument("labels", nargs=-1, metavar="LABEL=VALUE...")
@click.option("--notify", multiple=True, metavar="CHANNEL", help="A channel that the alert names; may be repeated.")
@click.option("--at", metavar="TIME", help="When it fires: RFC 3339, in UTC where no offset is given.  [default: now]")
@click.option("--expect", metavar="CHANNEL,...", help="Exit with 1 unless it goes to exactly these; empty for nobody.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def rehearse_one(
    *, path: str, labels: tuple[str, ...], notify: tuple[str, ...], at: str | None, expect: str | None, as_json: bool
) -> int:
    """Lead an alert with these labels through the routes at PATH.

    Prints the routes that decide and where they stand, channels, timers, group, and what mutes it at that time. Which
    channels its definition names is found by its ref or alertname, or said by --notify. Silences are those of a running
    evaluator and not asked. Labels of a real alert can be given as they are: those that no definition knows are told on
    stderr and change nothing. Exits with 1 if nobody is reached, or others than expected.
    """
    import json

    from tocsin.cli.findings import show_findings
    from tocsin.cli.history import time_of
    from tocsin.cli.route_words import listed, rehearsal_facts, rehearsed
    from tocsin.definitions import read_definitions
    from tocsin.errors import MisuseError
    from tocsin.notify.rehearsal import known_labels, rehearse
    from tocsin.spec.readers import known_name

    definitions = read_definitions((path,))
    if definitions.errors:
        show_findings(definitions)
        return 1
    workspace, plan = definitions.workspace, definitions.plan
    moment = datetime.now(UTC) if at is None else time_of("--at", at)
    given = _labels(labels)
    channels = {name for document in workspace.notifications for name in document.channels}
    wanted = None if expect is None else {name.strip() for name in expect.split(",") if name.strip()}
    for name in sorted({*notify, *(wanted or ())}):
        if name not in channels:
            raise MisuseError(f"channel {name!r} is not defined", hint=known_name(name, channels))
    for warning in _unknown(given, known_labels(workspace, plan)):
        click.echo(f"warning: {warning}", err=True)
    found = rehearse(given, notify, workspace, plan, moment)
    click.echo(json.dumps(rehearsal_facts(found), indent=2) if as_json else "\n".join(rehearsed(found)))
    if wanted is None:
        return 0 if found.channels else 1
    if wanted != set(found.channels):
        click.echo(f"expected {listed(sorted(wanted))}, but it goes to {listed(found.channels)}", err=True)
        return 1
    return 0


@command.command("tree", epilog="\b\nExample:\n  tocsin route tree rules")
@click.argument("path", metavar="PATH")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def tree(*, path: str, as_json: bool) -> int:
    """Print the tree of routes at PATH: what each matches, where it leads and escalates to, and where it stands.

    Below it stand the channels, with what each takes, and the page budgets.
    """
    import json

    from tocsin.cli.findings import show_findings
    from tocsin.cli.route_words import tree_facts, tree_lines
    from tocsin.definitions import read_definitions
    from tocsin.notify.page_budgets import budgets_of
    from tocsin.notify.routing import Directory

    definitions = read_definitions((path,))
    show_findings(definitions)
    documents = definitions.workspace.notifications
    directory, budgets = Directory.of(documents), budgets_of(documents)
    if as_json:
        click.echo(json.dumps(tree_facts(directory, budgets), indent=2))
    else:
        click.echo("\n".join(tree_lines(directory, budgets)))
    return 1 if definitions.errors else 0


def _unknown(given: Iterable[str], known: AbstractSet[str]) -> Iterator[str]:
    """What to say of labels that no definition asks for: each that may be misspelt, and the others at once."""
    from tocsin.schema.words import did_you_mean

    others: list[str] = []
    for name in given:
        if name not in known and (hint := did_you_mean(name, known)):
            yield f"nothing in the definitions knows a label {name!r}\n  hint: {hint}"
        elif name not in known:
            others.append(repr(name))
    if others:
        yield f"nothing in the definitions knows these labels, so they decide nothing: {', '.join(others)}"


def _labels(given: Iterable[str]) -> dict[str, str]:
    from tocsin.errors import MisuseError

    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise MisuseError(f"{text!r} is no label", hint="write LABEL=VALUE, such as severity=critical")
        if name in found:
            raise MisuseError(f"label {name!r} is given twice")
        found[name] = value
    return found

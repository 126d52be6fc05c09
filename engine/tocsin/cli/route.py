"""`tocsin route`: where alerts go, asked of the definitions alone."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tocsin.notify.rehearsal import Rehearsal, Stop
    from tocsin.ports import Labels
    from tocsin.spec.tree import Branch


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
    evaluator and not asked. Exits with 1 if nobody is reached, or others than expected.
    """
    import json

    from tocsin.cli.findings import show_findings
    from tocsin.cli.history import time_of
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
    known = known_labels(workspace, plan)
    for name in given:
        if name not in known:
            raise MisuseError(f"nothing in the definitions knows a label {name!r}", hint=known_name(name, known))
    channels = {name for document in workspace.notifications for name in document.channels}
    wanted = None if expect is None else {name.strip() for name in expect.split(",") if name.strip()}
    for name in sorted({*notify, *(wanted or ())}):
        if name not in channels:
            raise MisuseError(f"channel {name!r} is not defined", hint=known_name(name, channels))
    found = rehearse(given, notify, workspace, plan, moment)
    click.echo(json.dumps(_facts(found), indent=2) if as_json else "\n".join(_text(found)))
    if wanted is None:
        return 0 if found.channels else 1
    if wanted != set(found.channels):
        click.echo(f"expected {_listed(sorted(wanted))}, but it goes to {_listed(found.channels)}", err=True)
        return 1
    return 0


@command.command("tree", epilog="\b\nExample:\n  tocsin route tree rules")
@click.argument("path", metavar="PATH")
def tree(*, path: str) -> int:
    """Print the tree of routes at PATH: what each matches, where it leads, and where it stands."""
    from tocsin.cli.findings import show_findings
    from tocsin.definitions import read_definitions
    from tocsin.notify.routing import Directory

    definitions = read_definitions((path,))
    show_findings(definitions)
    for line in _lines(Directory.of(definitions.workspace.notifications).branches, ""):
        click.echo(line)
    return 1 if definitions.errors else 0


def _labels(given: "Iterable[str]") -> dict[str, str]:
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


def _lines(branches: "Iterable[Branch]", indent: str) -> "Iterable[str]":
    from tocsin.spec.tree import route_name

    for branch in branches:
        route = branch.route
        words = [f"to {', '.join(route.to)}", f"by {', '.join(route.group_by) or 'nothing'}"]
        words += [f"quiet in {', '.join(route.mute)}"] if route.mute else []
        words += [f"quiet outside of {', '.join(route.active)}"] if route.active else []
        words += ["digest"] if route.digest else []
        words += ["continue"] if route.goes_on else []
        yield f"{indent}{route_name(route)}  -> {'; '.join(words)}  ({route.span.path}:{route.span.line})"
        yield from _lines(branch.inside, f"{indent}  ")


# --- words -------------------------------------------------------------------------------------------------


def _text(found: "Rehearsal") -> "Iterable[str]":
    yield f"{{{_pairs(found.labels)}}} at {found.at:%Y-%m-%d %H:%M:%S} UTC"
    for stop in found.stops:
        yield ""
        yield from _of_stop(stop, found)
    if not found.stops:
        yield ""
        yield "no route matches, and it names no channel: nobody is told"
    for mute in found.maintenance:
        yield ""
        yield f"muted until {mute.until:%Y-%m-%d %H:%M} UTC: {mute.by} {mute.reason}"
    for rule in found.inhibitions:
        same = f" with the same {', '.join(rule.equal)}" if rule.equal else ""
        yield ""
        yield f"not told while this fires{same}: {{{', '.join(map(str, rule.source))}}}"
    if found.stops:
        yield ""
        yield f"told now: {_listed(found.told)}"


def _of_stop(stop: "Stop", found: "Rehearsal") -> "Iterable[str]":
    for depth, (name, span) in enumerate(stop.path):
        yield f"{'  ' * depth}{span.path}:{span.line}  {name.rpartition(' > ')[2]}"
    if not stop.path:
        yield "no route matches; the default timers hold"
    named = f", named by {', '.join(found.named_by)}" if found.named_by else ""
    timers = stop.timers
    yield f"  channels  {', '.join(stop.channels)}{named}"
    yield f"  group     {_pairs(stop.group) or 'all together'}"
    if stop.digest:
        yield f"  digest    at {stop.digest:%Y-%m-%d %H:%M} UTC"
    else:
        yield f"  timers    wait {_span(timers.wait)}, interval {_span(timers.interval)}, repeat {_span(timers.repeat)}"
    if stop.quiet:
        end = f" until {stop.until:%Y-%m-%d %H:%M} UTC" if stop.until else ""
        yield f"  quiet     {stop.quiet}{end}"


def _pairs(labels: "Labels") -> str:
    return ", ".join(f'{name}="{value}"' for name, value in labels)


def _listed(names: "Iterable[str]") -> str:
    return ", ".join(names) or "nobody"


def _span(length: timedelta) -> str:
    from tocsin.units import Duration

    return str(Duration(round(length / timedelta(milliseconds=1))))


def _facts(found: "Rehearsal") -> dict[str, Any]:
    return {
        "labels": dict(found.labels),
        "at": found.at.isoformat(),
        "channels": list(found.channels),
        "told": list(found.told),
        "namedBy": list(found.named_by),
        "routes": [
            {
                "path": [{"name": name, "file": span.path, "line": span.line} for name, span in stop.path],
                "channels": list(stop.channels),
                "group": dict(stop.group),
                "groupWait": _span(stop.timers.wait),
                "groupInterval": _span(stop.timers.interval),
                "repeatInterval": _span(stop.timers.repeat),
                "digestAt": stop.digest.isoformat() if stop.digest else None,
                "quiet": {"why": stop.quiet, "until": stop.until.isoformat() if stop.until else None}
                if stop.quiet
                else None,
            }
            for stop in found.stops
        ],
        "maintenance": [
            {"name": mute.by, "reason": mute.reason, "until": mute.until.isoformat() if mute.until else None}
            for mute in found.maintenance
        ],
        "inhibitedWhile": [
            {"source": [str(matcher) for matcher in rule.source], "equal": list(rule.equal)}
            for rule in found.inhibitions
        ],
    }

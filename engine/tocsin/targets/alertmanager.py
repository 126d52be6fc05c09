"""Alertmanager's configuration from channels, routes and what keeps alerts from being told.

One receiver per channel; the tree of routes is made in `alertmanager_routes`. Planned maintenance has no word there:
Alertmanager knows it as silences, which somebody has to make.
"""

from collections.abc import Collection, Iterator

from tocsin.diagnostics import Diagnostic, Severity
from tocsin.matchers import equal
from tocsin.plan import Plan
from tocsin.plan.model import Inhibition
from tocsin.spec import ChannelSpec, Flapping, Hours, Inhibit, Notifications, Route, Stretch
from tocsin.spec.hours import MONTHS, WEEKDAYS, Range
from tocsin.targets.alertmanager_receivers import defaults, losses, receiver, secret_files
from tocsin.targets.alertmanager_routes import NOBODY, root
from tocsin.targets.artifact import Artifact, comment, header
from tocsin.targets.yaml_text import Yaml, tree
from tocsin.workspace import Workspace

CONFIG = "alertmanager/alertmanager.yml"


def has_channels(workspace: Workspace) -> bool:
    """Whether there is anybody to tell."""
    return any(document.channels for document in workspace.notifications)


def alertmanager(plan: Plan, workspace: Workspace) -> tuple[Artifact, ...]:
    """One configuration; nothing without channels."""
    if not has_channels(workspace):
        return ()
    channels, routes = _joined(workspace)
    rules = list(plan.alerts())
    document: dict[str, Yaml] = {
        "route": root(channels, routes, rules),
        "receivers": [{"name": NOBODY}, *(receiver(channel) for channel in channels.values())],
    }
    documents = _documents(workspace)
    said = (_inhibition(each) for one in documents for each in one.inhibit)
    if inhibitions := [*(_inhibition(each) for each in plan.inhibitions), *said]:
        document["inhibit_rules"] = inhibitions
    if hours := [each for one in documents for _, each in sorted(one.hours.items())]:
        document["time_intervals"] = [_interval(each) for each in hours]
    head = header(document.span.path for document in workspace.notifications)
    return (Artifact(CONFIG, "".join((head, *_notes(channels.values()), tree(document)))),)


def cannot_say(_plan: Plan, workspace: Workspace) -> tuple[Diagnostic, ...]:
    """What Alertmanager cannot do that the channels ask for."""
    windows = [window for document in _documents(workspace) for window in document.maintenance.values()]
    unsaid = (
        Diagnostic(
            "alertmanager/maintenance",
            window.span,
            f"Alertmanager knows no planned maintenance, so {window.name} mutes nothing there",
            Severity.WARNING,
            "make a silence with amtool silence add, or let tocsin serve send these alerts",
        )
        for window in windows
    )
    at_once = (
        Diagnostic(
            "alertmanager/digest",
            route.span,
            "Alertmanager makes no digests, so this route tells by its timers there",
            Severity.WARNING,
            "give it a long group_interval, or let tocsin serve send these alerts",
        )
        for document in _documents(workspace)
        for route in document.all_routes()
        if route.digest is not None
    )
    routes = (route for document in _documents(workspace) for route in document.all_routes() if route.escalate)
    alone = (
        Diagnostic(
            "alertmanager/escalation",
            route.span,
            "Alertmanager knows no acknowledgement, so nothing escalates there",
            Severity.WARNING,
            "let the receiver escalate (PagerDuty), or let tocsin serve send these alerts",
        )
        for route in routes
    )
    return (*losses(_joined(workspace)[0].values()), *unsaid, *at_once, *alone, *_flapping(workspace))


def _flapping(workspace: Workspace) -> Iterator[Diagnostic]:
    """Once for what routes inside one inherit."""
    for document in _documents(workspace):
        routes = {route.flapping: route for route in reversed(list(document.all_routes()))}
        for flapping, route in sorted(routes.items(), key=lambda pair: pair[1].span.line):
            if flapping != Flapping():
                yield Diagnostic(
                    "alertmanager/flapping",
                    route.span,
                    "Alertmanager damps by group_interval alone, so what this route says of flapping is not done there",
                    Severity.INFO,
                    "give it a longer group_interval, or let tocsin serve send these alerts",
                )


def _notes(channels: Collection[ChannelSpec]) -> Iterator[str]:
    """What has to be there for the file to work, and what in it may differ elsewhere."""
    if files := secret_files(channels):
        yield "# It reads its secrets from these files:\n"
        yield from (f"#   {comment(path)}: {comment(what)}\n" for path, what in files)
    if names := defaults(channels):
        yield f"# Alertmanager reads no environment; the defaults stand for {', '.join(names)}.\n"


def _documents(workspace: Workspace) -> list[Notifications]:
    """In the order of their names."""
    return sorted(workspace.notifications, key=lambda document: document.name)


def _joined(workspace: Workspace) -> tuple[dict[str, ChannelSpec], tuple[Route, ...]]:
    """The channels and routes of all documents."""
    documents = _documents(workspace)
    channels = {name: spec for document in documents for name, spec in sorted(document.channels.items())}
    return channels, tuple(route for document in documents for route in document.routes)


def _inhibition(rule: Inhibition | Inhibit) -> Yaml:
    source, target = (
        equal(dict(rule.source)) if isinstance(rule, Inhibition) else rule.source,
        equal(dict(rule.target)) if isinstance(rule, Inhibition) else rule.target,
    )
    return {
        "source_matchers": [str(matcher) for matcher in source],
        "target_matchers": [str(matcher) for matcher in target],
        "equal": list(rule.equal),
    }


def _interval(hours: Hours) -> Yaml:
    return {"name": hours.name, "time_intervals": [_stretch(stretch) for stretch in hours.stretches]}


def _stretch(stretch: Stretch) -> Yaml:
    made: dict[str, Yaml] = {}
    if stretch.times:
        made["times"] = [{"start_time": _clock(start), "end_time": _clock(end)} for start, end in stretch.times]
    if stretch.weekdays:
        made["weekdays"] = [_range((WEEKDAYS[first], WEEKDAYS[last])) for first, last in stretch.weekdays]
    if stretch.days_of_month:
        made["days_of_month"] = [_range(days) for days in stretch.days_of_month]
    if stretch.months:
        made["months"] = [_range((MONTHS[first - 1], MONTHS[last - 1])) for first, last in stretch.months]
    if stretch.years:
        made["years"] = [_range(years) for years in stretch.years]
    return made | {"location": stretch.location}


def _range(ends: Range | tuple[str, str]) -> str:
    first, last = ends
    return str(first) if first == last else f"{first}:{last}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"

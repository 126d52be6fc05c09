"""What `tocsin route` prints: where an alert goes and the tree of routes, as text and as JSON."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from datetime import timedelta
from typing import Any

from tocsin.notify.rehearsal import Rehearsal, Stop
from tocsin.notify.routing import Directory
from tocsin.notify.storm import STORM
from tocsin.ports import Labels
from tocsin.spec import ChannelSpec, Digest, PageBudget, Route
from tocsin.spec.hours import WEEKDAYS
from tocsin.spec.notifications import Escalation
from tocsin.spec.tree import Branch, route_name
from tocsin.units import Duration

# --- one alert ---------------------------------------------------------------------------------------------


def rehearsed(found: Rehearsal) -> Iterator[str]:
    """What would become of one alert, for people."""
    yield f"{{{_pairs(found.labels)}}} at {found.at:%Y-%m-%d %H:%M:%S} UTC"
    known: set[str] = set()
    for stop in found.stops:
        yield ""
        yield from _of_stop(stop, found, known)
        known.update(() if stop.quiet else stop.channels)
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
        yield from (f"counts in page budget {_budget(budget)}" for budget in found.budgets)
        yield f"told now: {listed([name for name in found.told if name not in found.later])}"
        if found.later:
            yield f"told by digest: {listed(found.later)}"


def _of_stop(stop: Stop, found: Rehearsal, known: AbstractSet[str]) -> Iterator[str]:
    """*known* are the channels that a route above leads to: each hears of an alert once."""
    for depth, (name, span) in enumerate(stop.path):
        yield f"{'  ' * depth}{span.path}:{span.line}  {name.rpartition(' > ')[2]}"
    if not stop.path:
        yield "no route matches; the default timers hold"
    named = f", named by {', '.join(found.named_by)}" if found.named_by else ""
    timers = stop.timers
    channels = (f"{name} (by the route above)" if name in known else name for name in stop.channels)
    yield f"  channels  {', '.join(channels)}{named}"
    for step in stop.escalate:
        yield f"  escalates {_escalation(step)}"
    yield f"  group     {_pairs(stop.group) or 'all together'}"
    if stop.digest is not None:
        yield f"  digest    {_digest(stop.digest)}: at {stop.digest_at:%Y-%m-%d %H:%M} UTC"
    else:
        yield f"  timers    wait {_span(timers.wait)}, interval {_span(timers.interval)}, repeat {_span(timers.repeat)}"
        yield f"  flapping  {_flapping(timers.flap, timers.longest)}"
    if stop.quiet:
        end = f" until {stop.until:%Y-%m-%d %H:%M} UTC" if stop.until else ""
        yield f"  quiet     {stop.quiet}{end}"


def rehearsal_facts(found: Rehearsal) -> dict[str, Any]:
    """What would become of one alert, for programs."""
    return {
        "labels": dict(found.labels),
        "at": found.at.isoformat(),
        "channels": list(found.channels),
        "told": list(found.told),
        "toldByDigest": list(found.later),
        "namedBy": list(found.named_by),
        "routes": [
            {
                "path": [{"name": name, "file": span.path, "line": span.line} for name, span in stop.path],
                "channels": list(stop.channels),
                "escalate": _steps(stop.escalate),
                "group": dict(stop.group),
                "groupWait": _span(stop.timers.wait),
                "groupInterval": _span(stop.timers.interval),
                "repeatInterval": _span(stop.timers.repeat),
                "flapping": {"wait": _span(stop.timers.flap), "longest": _span(stop.timers.longest)},
                "digestAt": stop.digest_at.isoformat() if stop.digest_at else None,
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
        "pageBudgets": [_budget_facts(budget) for budget in found.budgets],
    }


# --- the tree ----------------------------------------------------------------------------------------------


def tree_lines(directory: Directory, budgets: Iterable[PageBudget]) -> Iterator[str]:
    """All routes, then what holds for channels and pages, for people."""
    yield from _branches(directory.branches, "")
    if directory.channels:
        yield ""
        yield "channels"
        width = max(map(len, directory.channels))
        yield from (f"  {spec.name:<{width}}  {_channel(spec)}" for _, spec in sorted(directory.channels.items()))
    for number, budget in enumerate(budgets):
        yield from () if number else ("", "page budgets")
        yield f"  {_budget(budget)}  ({budget.span.path}:{budget.span.line})"


def _branches(branches: Iterable[Branch], indent: str) -> Iterator[str]:
    for branch in branches:
        route = branch.route
        words = [f"to {', '.join(route.to)}", f"by {', '.join(route.group_by) or 'nothing'}"]
        words += [f"quiet in {', '.join(route.mute)}"] if route.mute else []
        words += [f"quiet outside of {', '.join(route.active)}"] if route.active else []
        words += [f"digest {_digest(route.digest)}"] if route.digest else []
        words += ["continue"] if route.goes_on else []
        yield f"{indent}{route_name(route)}  -> {'; '.join(words)}  ({route.span.path}:{route.span.line})"
        yield from (f"{indent}  | {text}" for text in _more(route))
        yield from _branches(branch.inside, f"{indent}  ")


def _more(route: Route) -> Iterator[str]:
    if route.digest is None:
        yield from (_escalation(step) for step in route.escalate)
        if route.flapping.wait or route.flapping.longest:
            yield f"flapping: {_flapping(*_flaps(route))}"


def tree_facts(directory: Directory, budgets: Iterable[PageBudget]) -> dict[str, Any]:
    """All routes, channels and page budgets, for programs."""
    return {
        "routes": [_branch_facts(branch) for branch in directory.branches],
        "channels": [
            {
                "name": spec.name,
                "kind": spec.kind,
                "rate": {"messages": spec.rate.count, "in": _span(spec.rate.per)} if spec.rate else None,
                "fallback": spec.fallback,
                "togetherAbove": None if spec.per_alert else STORM,
            }
            for _, spec in sorted(directory.channels.items())
        ],
        "pageBudgets": [_budget_facts(budget) for budget in budgets],
    }


def _branch_facts(branch: Branch) -> dict[str, Any]:
    route = branch.route
    flap, longest = _flaps(route)
    return {
        "name": branch.name,
        "file": route.span.path,
        "line": route.span.line,
        "matchers": [str(matcher) for matcher in route.conditions],
        "channels": list(route.to),
        "escalate": [] if route.digest else _steps(route.escalate),
        "groupBy": list(route.group_by),
        "groupWait": str(route.group_wait),
        "groupInterval": str(route.group_interval),
        "repeatInterval": str(route.repeat_interval),
        "flapping": {"wait": _span(flap), "longest": _span(longest)},
        "digest": _digest(route.digest) if route.digest else None,
        "activeTimeIntervals": list(route.active),
        "muteTimeIntervals": list(route.mute),
        "continue": route.goes_on,
        "routes": [_branch_facts(each) for each in branch.inside],
    }


# --- words -------------------------------------------------------------------------------------------------


def listed(names: Iterable[str]) -> str:
    """Channels by name."""
    return ", ".join(names) or "nobody"


def _pairs(labels: Labels) -> str:
    return ", ".join(f'{name}="{value}"' for name, value in labels)


def _span(length: timedelta) -> str:
    return str(Duration(round(length / timedelta(milliseconds=1))))


def _escalation(step: Escalation) -> str:
    return f"after {step.after} without acknowledgement also to {listed(step.to)}"


def _steps(steps: Iterable[Escalation]) -> list[dict[str, Any]]:
    return [{"after": str(step.after), "channels": list(step.to)} for step in steps]


def _flaps(route: Route) -> tuple[timedelta, timedelta]:
    return route.flapping.lengths(route.group_interval.timedelta)


def _flapping(wait: timedelta, longest: timedelta) -> str:
    first = f"what comes back soon waits {_span(wait)}"
    return f"{first}, then twice as long each time, up to {_span(longest)}" if longest > wait else first


def _digest(digest: Digest) -> str:
    if digest.every is not None:
        return f"every {digest.every}"
    days = ", ".join(WEEKDAYS[day] for day in digest.weekdays) or "every day"
    return f"{days} at {digest.at // 60:02}:{digest.at % 60:02} {digest.timezone}"


def _channel(spec: ChannelSpec) -> str:
    words = [spec.kind]
    words += [f"at most {spec.rate.count} messages in {_span(spec.rate.per)}"] if spec.rate else []
    words += ["each alert by itself"] if spec.per_alert else [f"more than {STORM} that wait go as one message"]
    words += [f"falls back to {spec.fallback}"] if spec.fallback else []
    return "; ".join(words)


def _budget(budget: PageBudget) -> str:
    labels = f" of {{{', '.join(map(str, budget.matchers))}}}" if budget.matchers else ""
    where = f" on {budget.channel}" if budget.channel else ""
    pages = "1 page" if budget.pages.count == 1 else f"{budget.pages.count} pages"
    return f"{budget.name}: {pages} in {_span(budget.pages.per)}{labels}{where}"


def _budget_facts(budget: PageBudget) -> dict[str, Any]:
    return {
        "name": budget.name,
        "pages": budget.pages.count,
        "in": _span(budget.pages.per),
        "matchers": [str(matcher) for matcher in budget.matchers],
        "channel": budget.channel,
    }

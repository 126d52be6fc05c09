"""A back-test for terminals, for pull requests and for programs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from tocsin.backtest.detection import Found
from tocsin.backtest.replay import Episode
from tocsin.backtest.ticks import Ticks
from tocsin.backtest.verdict import Fired, Verdict
from tocsin.evaluate.model import Identity
from tocsin.evaluate.words import span
from tocsin.notify.page_budgets import TOGETHER
from tocsin.report import counted

MOST = 40
"""Episodes that a text lists; JSON has them all."""
NOTHING = "-"


def as_text(verdicts: Sequence[Verdict]) -> str:
    """What fired, and how it compares; *verdicts* are before and after, or one alone."""
    return "\n".join(_lines(verdicts, _plain)) + "\n"


def as_markdown(verdicts: Sequence[Verdict]) -> str:
    """The same as a comment on a pull request."""
    return "\n".join(_lines(verdicts, _piped)) + "\n"


def _lines(verdicts: Sequence[Verdict], table: "_Table") -> Iterator[str]:
    ticks, last = verdicts[0].replay.ticks, verdicts[-1]
    heading = "## " if table is _piped else ""
    length = span(ticks.length)
    yield f"{heading}Back-test {_minute(ticks.start)} to {_minute(ticks.end)} UTC ({length}, every {span(ticks.step)})"
    yield ""
    yield from table(["", *(one.name for one in verdicts)], list(_figures(verdicts)))
    notes = list(_notes(last))
    if notes:
        yield ""
        yield from notes
    for spending in last.budgets:
        if spending.over:
            yield ""
            yield f"{spending.words}, by {_minute(spending.at)}"
    rows = list(_rules(verdicts))
    if rows:
        yield ""
        yield from table(["alert", "severity", *(f"{one.name}: times" for one in verdicts), "firing in all"], rows)
    if last.found is not None:
        yield ""
        yield from table(
            ["incident", "from", "lasted", "paged after", "budget gone by then", "page ended"],
            [_incident(found) for found in last.found.incidents],
        )
        if last.elsewhere:
            names = ", ".join(f"{one.name or NOTHING} ({_minute(one.start)})" for one in last.elsewhere)
            yield f"not counted, as they lie outside what was replayed: {names}"
    if last.replay.episodes:
        yield ""
        some = last.replay.episodes[:MOST]
        yield from table(["fired", "alert", "severity", "after", "lasted"], [_episode(each, ticks) for each in some])
        if len(last.replay.episodes) > MOST:
            yield f"and {len(last.replay.episodes) - MOST} more; --format json has them all"
    if last.left_out:
        yield ""
        yield "not replayed:"
        yield from (f"- {ref}: {why}" for ref, why in last.left_out)


def _notes(one: Verdict) -> Iterator[str]:
    """What cannot be known of the time before the first tick."""
    period, start = one.period, one.replay.ticks.start
    if period.first is not None and not period.complete and period.first + one.replay.ticks.step < start:
        yield (
            f"alerts are watched from {_minute(period.first)} on, where the history begins, instead of "
            f"{_minute(period.wanted)}: what was open or on its way before then is not known"
        )
    if one.replay.hovering:
        names = ", ".join(_name(each) for each in one.replay.hovering)
        yield f"between their bounds since the first look, so they may have fired before: {names}"


def _figures(verdicts: Sequence[Verdict]) -> Iterator[list[str]]:
    yield ["pages", *(str(one.pages) for one in verdicts)]
    yield [f"pages per week (within {span(TOGETHER)} as one)", *(f"{one.pages_per_week:.2f}" for one in verdicts)]
    yield ["tickets", *(str(one.tickets) for one in verdicts)]
    if any(one.pages_already or one.tickets_already for one in verdicts):
        yield ["firing at the start, not counted", *(_already(one) for one in verdicts)]
    for channel in sorted({name for one in verdicts for name in one.messages}):
        yield [f"messages to {channel}", *(str(one.messages.get(channel, 0)) for one in verdicts)]
    yield ["went quiet before firing", *(str(one.replay.pending) for one in verdicts)]
    if any(one.found is not None for one in verdicts):
        yield ["precision of pages", *(_share(one.found.precision if one.found else None) for one in verdicts)]
        yield ["recall of incidents", *(_share(one.found.recall if one.found else None) for one in verdicts)]
        yield ["detection time (median)", *(_span(one.detection_time) for one in verdicts)]
        yield ["paging outside incidents", *(_span(one.found.outside if one.found else None) for one in verdicts)]


def _rules(verdicts: Sequence[Verdict]) -> Iterator[list[str]]:
    by_name = [{fired.rule: fired for fired in one.fired} for one in verdicts]
    for rule in sorted({rule for some in by_name for rule in some}):
        known = [some.get(rule) for some in by_name]
        newest = next(fired for fired in reversed(known) if fired is not None)
        times = [_times(fired) if fired else "0" for fired in known]
        yield [rule, newest.severity, *times, _span(known[-1].firing if known[-1] else timedelta())]


def _already(one: Verdict) -> str:
    some = ((one.pages_already, "page"), (one.tickets_already, "ticket"))
    return ", ".join(counted(count, what) for count, what in some if count) or "0"


def _times(fired: Fired) -> str:
    return f"{fired.episodes} (+{fired.already} already)" if fired.already else str(fired.episodes)


def _incident(found: Found) -> list[str]:
    one, cost = found.incident, found.cost
    if found.reset is None:
        ended = "still fires" if found.alerts else NOTHING
    else:
        ended = f"{_span(abs(found.reset))} {'after' if found.reset >= timedelta() else 'before'}"
    after = ("at most " if found.at_most else "") + _span(found.after)
    spent = NOTHING if cost is None else f"{cost.share:.1%}" + (f" of {cost.of}" if cost.of else "")
    return [one.name or NOTHING, _minute(one.start), span(one.end - one.start), after, spent, ended]


def _episode(each: Episode, ticks: Ticks) -> list[str]:
    lasted = span((each.resolved_at or ticks.end) - each.fired_at) + ("" if each.resolved_at else ", still")
    fired = _minute(each.fired_at) + (" or before" if each.censored else "")
    fired += " (already)" if each.fired_at < ticks.start else ""
    after = NOTHING if each.censored else _span(each.fired_at - each.pending_at)
    return [fired, _name(each.view.identity), each.view.severity, after, lasted]


def _name(identity: Identity) -> str:
    labels = ", ".join(value for _, value in identity.labels)
    return identity.rule + (f" ({labels})" if labels else "")


def as_json(verdicts: Sequence[Verdict]) -> str:
    """Everything; *before* is null where there is nothing to compare with."""
    ticks, last = verdicts[0].replay.ticks, verdicts[-1]
    document = {
        "from": _time(ticks.start),
        "to": _time(ticks.end),
        "step": ticks.step.total_seconds(),
        "warm_up": {
            "from": _time(last.period.whole.start),
            "wanted_from": _time(last.period.wanted),
            "complete": last.period.complete,
        },
        "before": _verdict(verdicts[0]) if len(verdicts) > 1 else None,
        "after": _verdict(last),
    }
    return json.dumps(document, indent=2, allow_nan=False)


def _verdict(one: Verdict) -> Mapping[str, object]:
    found = one.found
    return {
        "name": one.name,
        "pages": one.pages,
        "tickets": one.tickets,
        "already": {"pages": one.pages_already, "tickets": one.tickets_already},
        "pages_per_week": one.pages_per_week,
        "page_budgets": [
            {
                "name": each.budget.name,
                "pages": each.pages,
                "bearable": each.budget.pages.count,
                "seconds": each.budget.pages.per.total_seconds(),
                "at": _time(each.at),
                "overspent": each.over,
            }
            for each in one.budgets
        ],
        "messages": dict(one.messages),
        "pending_only": one.replay.pending,
        "detection": None
        if found is None
        else {
            "precision": found.precision,
            "recall": found.recall,
            "median_seconds": None if one.detection_time is None else one.detection_time.total_seconds(),
            "outside_seconds": found.outside.total_seconds(),
            "incidents": [
                {
                    "name": each.incident.name,
                    "from": _time(each.incident.start),
                    "to": _time(each.incident.end),
                    "pages": each.alerts,
                    "after": None if each.after is None else each.after.total_seconds(),
                    "at_most": each.at_most,
                    "budget_spent": each.spent,
                    "budget_of": (each.cost.of or None) if each.cost else None,
                    "reset": None if each.reset is None else each.reset.total_seconds(),
                }
                for each in found.incidents
            ],
            "outside_history": [
                {"name": each.name, "from": _time(each.start), "to": _time(each.end)} for each in one.elsewhere
            ],
        },
        "alerts": [
            {
                "ref": fired.rule,
                "severity": fired.severity,
                "times": fired.episodes,
                "already": fired.already,
                "firing": fired.firing.total_seconds(),
            }
            for fired in one.fired
        ],
        "episodes": [
            {
                "ref": each.rule,
                "severity": each.view.severity,
                "service": each.view.service,
                "labels": dict(each.view.identity.labels),
                "pending_at": _time(each.pending_at),
                "fired_at": _time(each.fired_at),
                "resolved_at": None if each.resolved_at is None else _time(each.resolved_at),
                "already": one.replay.already(each),
                "censored": each.censored,
            }
            for each in one.replay.episodes
        ],
        "hovering": [{"ref": each.rule, "labels": dict(each.labels)} for each in one.replay.hovering],
        "not_replayed": [{"ref": ref, "why": why} for ref, why in one.left_out],
    }


class _Table:
    """How rows are set: for a terminal, or as Markdown."""

    def __init__(self, *, piped: bool) -> None:
        self.piped = piped

    def __call__(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
        if self.piped:
            for row in (head, ["---"] * len(head), *rows):
                yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
            return
        widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
        for row in (head, *rows):
            yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


_plain, _piped = _Table(piped=False), _Table(piped=True)


def _share(ratio: float | None) -> str:
    return NOTHING if ratio is None else f"{ratio:.0%}"


def _span(length: timedelta | None) -> str:
    return NOTHING if length is None else span(length) if length else "0s"


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")

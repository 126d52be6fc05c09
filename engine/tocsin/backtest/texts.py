"""A back-test for terminals and for pull requests."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from tocsin.backtest.detection import Found
from tocsin.backtest.replay import Episode, Replay
from tocsin.backtest.ticks import Ticks
from tocsin.backtest.verdict import Fired, Verdict
from tocsin.evaluate.model import Identity
from tocsin.evaluate.words import span
from tocsin.notify.page_budgets import TOGETHER
from tocsin.report import cell, counted, harmless

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
    ticks = verdicts[0].replay.ticks
    heading = "## " if table is _piped else ""
    length = span(ticks.length)
    yield f"{heading}Back-test {_minute(ticks.start)} to {_minute(ticks.end)} UTC ({length}, every {span(ticks.step)})"
    for section in _sections(verdicts, table):
        lines = list(section)
        if lines:
            yield ""
            yield from lines


def _sections(verdicts: Sequence[Verdict], table: "_Table") -> Iterator[Iterable[str]]:
    """What stands apart, one after the other; an empty one is left out."""
    last = verdicts[-1]
    yield table(["", *(one.name for one in verdicts)], list(_figures(verdicts)))
    yield (table.said(note) for note in _notes(last))
    yield (table.said(f"{each.words}, by {_minute(each.at)}") for each in last.budgets if each.over)
    yield table(["alert", "severity", *(f"{one.name}: times" for one in verdicts), "firing in all"], _rules(verdicts))
    yield _incidents(last, table)
    yield (table.said(line) for line in _elsewhere(last))
    episodes = (_episode(each, last.replay.ticks) for each in last.replay.episodes[:MOST])
    yield table(["fired", "alert", "severity", "after", "lasted"], episodes)
    yield _more(last.replay)
    yield _named("not replayed", last.left_out, table)
    yield _named("never seen, so it could not fire", last.unseen, table)


def _incidents(last: Verdict, table: "_Table") -> Iterator[str]:
    if last.found is not None:
        head = ["incident", "from", "lasted", "paged after", "budget gone by then", "page ended"]
        yield from table(head, [_incident(found) for found in last.found.incidents])


def _elsewhere(last: Verdict) -> Iterator[str]:
    names = ", ".join(f"{one.name or NOTHING} ({_minute(one.start)})" for one in last.elsewhere)
    yield from [f"not counted, as they lie outside what was replayed: {names}"] if names else []


def _more(replay: Replay) -> Iterator[str]:
    surplus = len(replay.episodes) - MOST
    yield from [f"and {surplus} more; --format json has them all"] if surplus > 0 else []


def _named(title: str, some: Sequence[tuple[str, str]], table: "_Table") -> Iterator[str]:
    if some:
        yield f"{title}:"
    yield from (f"- {table.said(f'{ref}: {why}')}" for ref, why in some)


def _notes(one: Verdict) -> Iterator[str]:
    """What cannot be known of the time before the first tick, and of that before the first sample."""
    period, start, step = one.period, one.replay.ticks.start, one.replay.ticks.step
    if period.first is not None and period.first > start + step:
        yield (
            f"nothing was seen before {_minute(period.first)}, so {span(period.first - start)} of that are without "
            "alerts; figures per week are of all of it"
        )
    elif period.first is not None and not period.complete and period.first + step < start:
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


class _Table:
    """How rows are set: for a terminal, or as Markdown."""

    def __init__(self, *, piped: bool) -> None:
        self.piped = piped

    def __call__(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
        rows = list(rows)
        if not rows:
            return
        head, *rows = ([self.said(text) for text in row] for row in (head, *rows))
        if self.piped:
            for row in (head, ["---"] * len(head), *rows):
                yield "| " + " | ".join(row) + " |"
            return
        widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
        for row in (head, *rows):
            yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()

    def said(self, text: str) -> str:
        """Text of others that is neither markup nor steers a terminal."""
        return cell(harmless(text)) if self.piped else harmless(text)


_plain, _piped = _Table(piped=False), _Table(piped=True)


def _share(ratio: float | None) -> str:
    return NOTHING if ratio is None else f"{ratio:.0%}"


def _span(length: timedelta | None) -> str:
    return NOTHING if length is None else span(length) if length else "0s"


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"

"""A back-test as a picture: one row for each alert that fired, time across, incidents as bands behind.

Before a change an alert's bars are thin and above, after it thick and below, so that what came and what went is seen at
once. Pages are red, tickets amber.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from xml.sax import saxutils

from tocsin.backtest.detection import Incident
from tocsin.backtest.replay import Episode
from tocsin.backtest.ticks import Ticks
from tocsin.backtest.verdict import Verdict
from tocsin.evaluate.words import span
from tocsin.report import counted, harmless

WIDTH, LEFT, RIGHT, TOP, ROW = 1200, 260, 24, 84, 30
MOST_ROWS = 40
LEAST = 2.0
"""Pixels of a bar, so that an alert of a few minutes in a month can be seen."""
_INNER = WIDTH - LEFT - RIGHT
_STYLE = (
    "text{fill:#222;font-size:13px}.small{font-size:12px;fill:#666}.ground{fill:#fff}.grid{stroke:#ddd}"
    ".row{fill:#f6f7f9}.critical{fill:#d1242f}.other{fill:#bf8700}.before{fill-opacity:.45}.incident{fill:#0969da;fill-opacity:.13}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.small{fill:#aaa}.ground{fill:#16181d}.grid{stroke:#3a3f47}"
    ".row{fill:#1e2128}.critical{fill:#ff6b6b}.other{fill:#e3b341}.incident{fill:#58a6ff;fill-opacity:.2}}"
)
_STEPS = tuple(
    timedelta(minutes=minutes) for minutes in (10, 30, 60, 180, 360, 720, 1440, 2880, 7200, 10_080, 20_160, 43_200)
)


@dataclass(frozen=True, slots=True)
class _Plot:
    """Where things go."""

    ticks: Ticks
    rules: Sequence[str]

    @property
    def bottom(self) -> int:
        return TOP + ROW * max(len(self.rules), 1)

    def x(self, at: datetime) -> float:
        ticks = self.ticks
        part = (min(max(at, ticks.start), ticks.end) - ticks.start) / max(ticks.length, ticks.step)
        return LEFT + part * _INNER

    def rows(self) -> Iterator[str]:
        """Stripes, so that a name leads to its bars."""
        for number, rule in enumerate(self.rules):
            level = TOP + number * ROW
            if number % 2 == 0:
                yield f'<rect class="row" x="0" y="{level}" width="{WIDTH}" height="{ROW}"/>'
            yield f'<text x="{LEFT - 10}" y="{level + 20}" text-anchor="end">{escape(_short(rule))}</text>'
        if not self.rules:
            yield f'<text x="{LEFT}" y="{TOP + 20}">nothing fired</text>'

    def grid(self) -> Iterator[str]:
        """Times along the top."""
        for at in _marks(self.ticks.start, self.ticks.end):
            text = f"{at:%d %b}" if at.hour == at.minute == 0 else f"{at:%d %b %H:%M}"
            yield f'<path class="grid" d="M{self.x(at):.1f} {TOP - 6}V{self.bottom}"/>'
            yield f'<text class="small" x="{self.x(at):.1f}" y="{TOP - 12}" text-anchor="middle">{text}</text>'

    def bands(self, incidents: Sequence[Incident]) -> Iterator[str]:
        """What went wrong."""
        for one in incidents:
            if one.end < self.ticks.start or one.start > self.ticks.end:
                continue
            start, wide = self.x(one.start), max(self.x(one.end) - self.x(one.start), LEAST)
            yield (
                f'<rect class="incident" x="{start:.1f}" y="{TOP - 6}" width="{wide:.1f}" '
                f'height="{self.bottom - TOP + 6}"><title>{escape(one.name or "incident")}</title></rect>'
            )

    def bars(self, verdict: Verdict, up: int, thick: int, tone: str) -> Iterator[str]:
        """What fired, so far below the top of its row."""
        places = {rule: TOP + number * ROW for number, rule in enumerate(self.rules)}
        for each in verdict.replay.episodes:
            if each.rule in places:
                start, end = self.x(each.fired_at), self.x(each.resolved_at or self.ticks.end)
                level = places[each.rule] + up
                yield _bar(each, start, end, (level, thick), tone)
                if verdict.replay.already(each):
                    kind = "critical" if each.pages else "other"
                    yield f'<path class="{kind}{tone}" d="M{LEFT - 8} {level + thick / 2}l8 {-thick / 2}v{thick}z"/>'


def as_svg(verdicts: Sequence[Verdict], incidents: Sequence[Incident]) -> str:
    """Draw *verdicts* (before and after, or one alone) over *incidents*."""
    rules = _rules(verdicts)
    plot = _Plot(verdicts[-1].replay.ticks, rules[:MOST_ROWS])
    height = height_of(verdicts)
    *before, after = verdicts
    bars = [*(bar for one in before for bar in plot.bars(one, 4, 6, " before")), *plot.bars(after, 12, 12, "")]
    surplus = f"and {len(rules) - MOST_ROWS} more alerts" if len(rules) > MOST_ROWS else ""
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
                f'height="{height}" role="img" font-family="sans-serif">'
            ),
            f"<title>{escape(_title(verdicts))}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect class="ground" width="{WIDTH}" height="{height}"/>',
            f'<text x="16" y="26" style="font-size:16px">{escape(_title(verdicts))}</text>',
            f'<text class="small" x="16" y="48">{escape(_subtitle(verdicts))}</text>',
            *plot.rows(),
            *plot.grid(),
            *plot.bands(incidents),
            *bars,
            f'<text class="small" x="{LEFT}" y="{plot.bottom + 16}">{surplus}</text>',
            *_legend(plot.bottom + 40, compared=bool(before), incidents=bool(incidents)),
            "</svg>",
            "",
        ]
    )


def escape(text: str) -> str:
    """Text of others; control characters are no XML."""
    return saxutils.escape(harmless(text))


def height_of(verdicts: Sequence[Verdict]) -> int:
    """Pixels."""
    return TOP + ROW * max(min(len(_rules(verdicts)), MOST_ROWS), 1) + 64


def _rules(verdicts: Sequence[Verdict]) -> list[str]:
    return sorted({fired.rule for one in verdicts for fired in one.fired})


def _bar(each: Episode, start: float, end: float, place: tuple[int, int], tone: str) -> str:
    kind = "critical" if each.pages else "other"
    words = f"{each.rule}: {each.fired_at:%Y-%m-%d %H:%M}" + (" or before" if each.censored else "")
    words += f" for {span(each.resolved_at - each.fired_at)}" if each.resolved_at else ", still firing"
    return (
        f'<rect class="{kind}{tone}" x="{start:.1f}" y="{place[0]}" '
        f'width="{max(end - start, LEAST):.1f}" height="{place[1]}"><title>{escape(words)}</title></rect>'
    )


def _title(verdicts: Sequence[Verdict]) -> str:
    ticks = verdicts[-1].replay.ticks
    return f"What fired from {ticks.start:%Y-%m-%d %H:%M} to {ticks.end:%Y-%m-%d %H:%M} UTC"


def _subtitle(verdicts: Sequence[Verdict]) -> str:
    parts = []
    for one in verdicts:
        pages = f"{counted(one.pages, 'page')} ({one.pages_per_week:.2f} a week)"
        text = f"{one.name}: {pages}, {counted(one.tickets, 'ticket')}"
        if one.pages_already + one.tickets_already:
            text += f", {one.pages_already + one.tickets_already} firing already"
        if one.found is not None and one.found.recall is not None:
            paged = sum(each.alerts > 0 for each in one.found.incidents)
            text += f", {paged} of {len(one.found.incidents)} incidents paged"
        parts.append(text)
    return "   ·   ".join(parts)


def _legend(level: int, *, compared: bool, incidents: bool) -> list[str]:
    items = [("critical", "page"), ("other", "ticket")]
    if compared:
        items += [("critical before", "page before the change"), ("other before", "ticket before the change")]
    if incidents:
        items.append(("incident", "incident"))
    made, place = [], LEFT
    for tone, words in items:
        made.append(f'<rect class="{tone}" x="{place}" y="{level - 11}" width="22" height="12"/>')
        made.append(f'<text class="small" x="{place + 28}" y="{level}">{words}</text>')
        place += 60 + 7 * len(words)
    return made


def _marks(start: datetime, end: datetime) -> list[datetime]:
    """Round times, some ten of them."""
    step = next((each for each in _STEPS if (end - start) / each <= 10), _STEPS[-1])
    origin = datetime(1970, 1, 1, tzinfo=UTC)
    first = origin + -(-(start - origin) // step) * step
    return [first + number * step for number in range(int((end - first) / step) + 1)] if first <= end else []


def _short(rule: str, most: int = 34) -> str:
    return rule if len(rule) <= most else "…" + rule[1 - most :]

"""The status page: one Standing to HTML, on the server, without scripts; readable at night and on a telephone."""

import base64
import hashlib
import logging
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files

from jinja2 import Environment

from tocsin import pages
from tocsin.evaluate import words
from tocsin.evaluate.memory import Letter
from tocsin.evaluate.model import AlertView, SloStatus, Snapshot, Truth
from tocsin.service import phrases
from tocsin.service.api import Desk
from tocsin.service.board import Standing
from tocsin.service.shaping import overall, severity_of
from tocsin.settings import without_password

log = logging.getLogger(__name__)

RECENT = 12
"""Resolved alerts shown."""
DEAD_FOR = timedelta(days=7)
"""How long a message that was given up is shown."""
MOST_ROWS = 500
"""Objectives shown; what is not healthy comes first."""
MOST_ALERTS = 200
"""Open alerts shown, and as many pending ones; the worst and oldest come first."""
MOST_FLAPPING = 50
"""Conversations shown that flap, the most frequent first."""
LONGEST = 2_000
"""Characters of one text shown: a label may have a million."""

CSS = files("tocsin.service").joinpath("templates/page.css").read_text(encoding="utf-8")
_CSS_HASH = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
PAGE_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_CSS_HASH}'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

FORM_HEADERS = {
    **PAGE_HEADERS,
    "Content-Security-Policy": PAGE_HEADERS["Content-Security-Policy"].replace(
        "form-action 'none'", "form-action 'self'"
    ),
    "Referrer-Policy": "same-origin",  # with none at all, browsers say `Origin: null` of our own form
}

_STATE_RANK = {"exhausted": 0, "burning": 1, "unknown": 2}
_STATE_WORDS = {"healthy": "healthy", "burning": "burning", "exhausted": "budget spent", "unknown": "cannot tell"}
_STATE_TONES = {"healthy": "good", "burning": "warn", "exhausted": "bad", "unknown": "blind"}


@dataclass(frozen=True, slots=True)
class Headline:
    """The state of everything in one line; *tone* is `good`, `warn`, `bad` or `blind`."""

    tone: str
    text: str


def headline(standing: Standing, now: datetime) -> Headline:
    """What a reader must know first: whether anybody can see, then what is wrong."""
    if standing.snapshot is None:
        return Headline("blind", "Waiting for the first evaluation")
    if not standing.fresh(now):
        return Headline("blind", "Evaluation has stopped")
    alerts = standing.open_alerts()
    critical = sum(severity_of(view) == "critical" for view in alerts)
    text = f"{len(alerts)} open alert{'s' if len(alerts) > 1 else ''}" if alerts else ""
    if critical:
        text += f", {critical} critical"
    if not standing.snapshot.source.ok:
        return Headline("blind", f"Blind: the metric source does not answer{'; ' + text if text else ''}")
    if alerts:
        return Headline("bad" if critical else "warn", text)
    words = _shortcomings(standing.snapshot)
    if not words:
        return Headline("good", "All objectives are met")
    tone = "bad" if overall(standing) == "critical" else "warn" if "burn" in words[0] else "blind"
    return Headline(tone, ", ".join(words[:2]))


def _shortcomings(snapshot: Snapshot) -> list[str]:
    """What is not as promised, the worst first."""
    states = Counter([*(slo.state for slo in snapshot.slos), *(journey.state for journey in snapshot.journeys)])
    found = [
        (sum(sla.breached is True for sla in snapshot.slas), "SLA is breached so far", "SLAs are breached so far"),
        (states["exhausted"], "error budget is spent", "error budgets are spent"),
        (states["burning"], "objective burns its budget", "objectives burn their budgets"),
        (states["unknown"], "objective cannot be seen", "objectives cannot be seen"),
    ]
    return [f"{count} {one if count == 1 else many}" for count, one, many in found if count]


def web_link(url: str | None) -> str | None:
    """The URL if it is one a browser may follow; a definition must not smuggle in a script, and a cut one lies."""
    return url if url is not None and len(url) <= LONGEST and re.match(r"(?i)https?://", url) else None


def shown(value: object) -> object:
    """What a page shows of a text; the style sheet is markup."""
    if isinstance(value, str) and not hasattr(value, "__html__") and len(value) > LONGEST:
        return f"{value[: LONGEST - 1]}…"
    return value


def by_need(slos: tuple[SloStatus, ...]) -> tuple[SloStatus, ...]:
    """What is worst first, then by service and name."""
    return tuple(sorted(slos, key=lambda slo: (_STATE_RANK.get(slo.state, 3), slo.service, slo.name)))


def bar_width(remaining: float | None) -> float:
    """Width of the filled part of a budget bar, 0 to 100; an overspent budget fills it in alarm."""
    if remaining is None:
        return 0.0
    return 100.0 if remaining <= 0 else round(100 * min(1.0, remaining), 2)


def slo_tone(slo: SloStatus) -> str:
    """Colour of an objective's state: what pages burns red, what makes a ticket amber."""
    pages = any(burn.truth is Truth.TRUE and burn.severity == "page" for burn in slo.burns)
    return "bad" if slo.state == "burning" and pages else _STATE_TONES.get(slo.state, "blind")


def bar_tone(remaining: float | None) -> str:
    """Colour of a budget bar: half is comfortable, a tenth is not."""
    if remaining is None:
        return "blind"
    return "good" if remaining > 0.5 else "warn" if remaining > 0.1 else "bad"


def refresh_seconds(interval: timedelta) -> int:
    """How often the page asks again: with each tick, but neither nervously nor sleepily."""
    return int(min(60, max(5, interval.total_seconds())))


@cache
def environment() -> Environment:
    """The templates of pages, with the words that they use."""
    made = pages.environment("tocsin.service")
    made.finalize = shown
    made.filters |= {
        "share": phrases.share,
        "exact": phrases.exact,
        "portion": phrases.portion,
        "events": words.number,
        "budget": phrases.budget,
        "span": phrases.span,
        "used_up": lambda slo: phrases.used_up(slo.remaining, slo.exhaustion, [burn.rate_long for burn in slo.burns]),
        "times": phrases.times,
        "web_link": web_link,
        "bar_width": bar_width,
        "bar_tone": bar_tone,
        "slo_tone": slo_tone,
        "tone": lambda state: _STATE_TONES.get(state, "blind"),
        "word": lambda state: _STATE_WORDS.get(state, state),
        "severity": severity_of,
    }
    made.tests["firing_tier"] = lambda burn: burn.truth is Truth.TRUE
    return made


def render(
    standing: Standing, recent: tuple[AlertView, ...] | None, now: datetime, dead: tuple[Letter, ...] = ()
) -> str:
    """The whole page; *recent* are resolved alerts, None where the history could not be read; *dead* was given up."""
    snapshot = standing.snapshot
    slos = by_need(snapshot.slos) if snapshot is not None else ()
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            standing=standing,
            snapshot=snapshot,
            now=now,
            css=CSS,
            headline=headline(standing, now),
            refresh=refresh_seconds(standing.interval),
            source_url=without_password(standing.source_url),
            open=standing.open_alerts(),
            pending=standing.pending_alerts(),
            most_alerts=MOST_ALERTS,
            budgets=sorted(standing.page_budgets, key=lambda spent: (spent.remaining, spent.budget.name)),
            most_flapping=MOST_FLAPPING,
            slos=slos[:MOST_ROWS],
            hidden=max(0, len(slos) - MOST_ROWS),
            recent=recent,
            dead=dead,
            titles={service.name: service.title or service.name for service in standing.workspace.services},
            when=lambda at: phrases.clock_time(at, now),
            since=lambda at: phrases.span(now - at),
        )
    )


def render_page(desk: Desk) -> str:
    """The page of this moment; it shows even where the store does not work."""
    try:
        recent = desk.store.history(severity=None, status="resolved", limit=RECENT)
        letters = desk.store.letters("dead", RECENT)
    except Exception:
        log.exception("the history could not be read")
        recent, letters = None, ()
    now = desk.clock.now()
    dead = tuple(letter for letter in letters if letter.settled_at and now - letter.settled_at < DEAD_FOR)
    return render(desk.board.read(), recent, now, dead)

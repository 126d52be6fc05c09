"""A notification in words: one subject line and one body, from Jinja2 templates in a sandbox; pure.

Everything that comes from metrics or definitions is text: control characters and what would turn the direction of
reading are removed, and every field has a length. If a template fails, a plain message still goes out.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache

from jinja2 import PackageLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tocsin.ports import Action, AlertText, Labels, Notification
from tocsin_notifiers.subjects import base_subject, subject, titled

LATE = timedelta(seconds=60)
"""A message says that it is late when it leaves this long after the evaluation that caused it."""

IN_FULL = 10
"""Alerts shown in full; more are listed by title."""
LISTED = 100
LONGEST_TITLE, LONGEST_FIELD, LONGEST_SUMMARY = 200, 500, 2_000
MOST_LINKS = 5
_LINK = re.compile(r"https?://[\w!#$%&()*+,./:;=?@\[\]~-]{1,2000}", re.ASCII)
"""Addresses that need no escape in any markup; one that is cut leads nowhere, so what is longer is left out."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a person gets to read."""

    subject: str
    body: str


def render(notification: Notification, now: datetime, template: str = "email.txt.j2") -> Message:
    """Put *notification* into words for a message that leaves *now*."""
    clean = cleaned(notification)
    words = words_of(clean, now)
    head = subject(clean)
    try:
        body = _environment().get_template(template).render(words)
    except Exception as error:  # noqa: BLE001  # whatever a template does wrong, the page goes out
        body = f"{head}\n\n{plain(clean)}\n\n(the template {template} failed: {type(error).__name__})"
    return Message(head, body.strip() + "\n")


def words_of(clean: Notification, now: datetime) -> dict[str, object]:
    """What templates may use, of a notification that is `cleaned` already."""
    return {
        "subject": subject(clean),
        "topic": base_subject(clean),
        "action": clean.action.value,
        "headline": _headline(clean),
        "firing": [a for a in clean.alerts if a.resolved_at is None][:IN_FULL],
        "resolved": [a for a in clean.alerts if a.resolved_at is not None][:IN_FULL],
        "listed": _beyond(clean.alerts)[:LISTED],
        "unlisted": max(0, len(_beyond(clean.alerts)) - LISTED),
        "notes": notes(clean, now),
        "evaluated_at": clean.evaluated_at,
        "now": now,
    }


def notes(notification: Notification, now: datetime) -> tuple[str, ...]:
    """Whatever the reader must know about the message itself."""
    late = now - notification.evaluated_at
    delay = (f"delayed {span(late)}: decided at {moment(notification.evaluated_at)}",) if late >= LATE else ()
    return (*notification.notes, *delay)


def plain(notification: Notification) -> str:
    """List the alerts without any template."""
    lines = []
    for text in notification.alerts[:LISTED]:
        end = f", resolved at {moment(text.resolved_at)}" if text.resolved_at else ""
        lines.append(f"{titled(text)} ({text.severity}) since {moment(text.started_at)}{end}: {gist(text)}")
    return "\n".join(lines)


def span(length: timedelta) -> str:
    """Say a length of time in its two largest units.

    >>> span(timedelta(hours=5, minutes=58, seconds=3)), span(timedelta(seconds=43))
    ('5h 58m', '43s')
    """
    seconds = max(0, int(length.total_seconds()))
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0s"


def moment(at: datetime) -> str:
    """Say an instant to the second.

    >>> moment(datetime.fromisoformat("2026-11-23T14:02:10.5+00:00"))
    '2026-11-23 14:02:10 UTC'
    """
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def printable(text: str, limit: int) -> str:
    r"""Remove what is not for reading, and cut what is too long.

    >>> printable("a\r\nb\x1b[31mc\u202ed", 99), printable("abcdef", 4)
    ('a\nb[31mcd', 'abc…')
    """
    whole = len(text) <= _FAR * limit
    clean = (text if whole else text[: _FAR * limit]).replace("\r\n", "\n").replace("\t", " ")
    if not clean.isprintable():
        clean = "".join(c for c in clean if c == "\n" or unicodedata.category(c) not in _UNREADABLE)
    return clean if whole and len(clean) <= limit else clean[: limit - 1] + "…"


_FAR = 4
"""Times its length that a text is looked at: what a metric says may be megabytes."""
_UNREADABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def whole_lines(text: str, limit: int) -> str:
    r"""Cut what is too long between lines where that is possible, so that no address leads elsewhere.

    >>> whole_lines("one\ntwo\nthree", 9), whole_lines("abcdef", 4)
    ('one\ntwo\n…', 'abc…')
    """
    if len(text) <= limit:
        return text
    front, end, _ = text[: limit - 1].rpartition("\n")
    return front + end + "…" if front else printable(text, limit)


def one_line(text: str, limit: int) -> str:
    """Join the lines of a text."""
    return printable(re.sub(r"\s+", " ", text[: _FAR * limit + 1]).strip(), limit)


def cleaned(notification: Notification) -> Notification:
    """Make every text in it printable and bounded."""
    return replace(
        notification,
        alerts=tuple(readable(text) for text in notification.alerts),
        notes=tuple(one_line(note, LONGEST_FIELD) for note in notification.notes),
    )


def followable(address: str) -> bool:
    """Whether it may become a link."""
    return bool(_LINK.fullmatch(address))


def readable(text: AlertText) -> AlertText:
    """Every text of one alert printable and bounded."""
    return replace(
        text,
        title=one_line(text.title, LONGEST_TITLE),
        summary=printable(text.summary, LONGEST_SUMMARY),
        service=one_line(text.service, LONGEST_TITLE),
        severity=one_line(text.severity, 20),
        labels=_pairs(text.labels),
        facts=_pairs(text.facts),
        reason=one_line(text.reason, LONGEST_FIELD),
        description=printable(text.description, LONGEST_SUMMARY),
        runbook=one_line(text.runbook, 2_000) if text.runbook else None,
        links=tuple((one_line(name, 40), url) for name, url in text.links[:MOST_LINKS] if followable(url)),
    )


def _pairs(pairs: Labels) -> Labels:
    return tuple((one_line(name, 100), one_line(value, LONGEST_FIELD)) for name, value in pairs[:50])


def _headline(notification: Notification) -> str:
    firing = sum(1 for a in notification.alerts if a.resolved_at is None)
    resolved = len(notification.alerts) - firing
    if notification.action is Action.ACKNOWLEDGE:
        return "acknowledged"
    if len(notification.alerts) == 1:
        return {Action.FIRE: "firing", Action.REPEAT: "still firing", Action.RESOLVE: "resolved"}[notification.action]
    counts = [f"{firing} firing"] * bool(firing) + [f"{resolved} resolved"] * bool(resolved)
    reminder = "reminder: " if notification.action is Action.REPEAT and not resolved else ""
    return reminder + ", ".join(counts)


def _beyond(alerts: tuple[AlertText, ...]) -> list[AlertText]:
    """Find the alerts that are not shown in full."""
    firing = [a for a in alerts if a.resolved_at is None]
    resolved = [a for a in alerts if a.resolved_at is not None]
    return firing[IN_FULL:] + resolved[IN_FULL:]


def _shown_labels(labels: Labels, hidden: tuple[str, ...] = ("service", "severity", "ref")) -> str:
    return ", ".join(f"{name}={value}" for name, value in labels if name not in hidden)


_IN_THE_FOOTER = ("evaluated at",)


def _aligned(pairs: list[tuple[str, str]]) -> str:
    width = max((len(name) for name, _ in pairs), default=0)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in pairs)


def gist(text: AlertText) -> str:
    """Say how it is: what is wrong, or why it is over; then the summary would say that it still was wrong."""
    if text.resolved_at is not None:
        return text.reason or "the condition no longer holds"
    return text.summary


def about(text: AlertText, now: datetime) -> list[tuple[str, str]]:
    """Tell what, where and how long, one line each."""
    labels: Mapping[str, str] = dict(text.labels)
    ends = text.resolved_at or now
    facts = dict(text.facts)
    objective = facts.pop("SLO", labels.get("ref"))
    pairs = [("Service", text.service)]
    if objective:
        pairs.append(("SLO" if "slo" in labels or len(facts) < len(text.facts) else "Definition", objective))
    pairs.append(("Severity", text.severity))
    since = moment(text.started_at)
    if text.resolved_at is None:
        pairs.append(("Since", f"{since} (for {span(ends - text.started_at)})"))
    else:
        pairs += [("Since", since), ("Resolved", f"{moment(ends)} (after {span(ends - text.started_at)})")]
    pairs += [(n[:1].upper() + n[1:], value) for n, value in text.facts if n in facts and n not in _IN_THE_FOOTER]
    if text.runbook:
        pairs.append(("Runbook", text.runbook))
    if _shown_labels(text.labels):
        pairs.append(("Labels", _shown_labels(text.labels)))
    return pairs


def _about(text: AlertText, now: datetime) -> str:
    """Put the lines of an alert into columns."""
    return _aligned([*about(text, now), *((name[:1].upper() + name[1:], url) for name, url in text.links)])


FILTERS = {"about": _about, "gist": gist, "titled": titled, "moment": moment, "span": span}
"""What templates of plain text may use."""


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=PackageLoader("tocsin_notifiers"),
        autoescape=False,  # the output is plain text; HTML entities would be read as they stand
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    return environment

"""A notification as Slack's Block Kit: what stands in the channel, and what is added to its thread; pure.

Limits: 150 characters in a header, 3,000 in a section, 50 blocks, some 13,000 characters in all (messages beyond that
are refused with msg_blocks_too_long). https://docs.slack.dev/reference/block-kit/blocks

Words stand in plain_text: in mrkdwn `*`, `_`, `~`, backticks and `:fire:` of a label would be formatted, and Slack has
no escape for that. Only the lines of links are mrkdwn.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from tocsin.ports import Action, AlertText, Labels, Notification
from tocsin_notifiers.message import IN_FULL, cleaned, followable, one_line, printable
from tocsin_notifiers.own_words import body
from tocsin_notifiers.subjects import subject, titled, worst

LONGEST_HEADER, LONGEST_SECTION, MOST_BLOCKS, LONGEST_BLOCKS = 150, 3_000, 50, 12_000
LONGEST_REPLY = 3_000
LONGEST_LINE = 800
"""Of links, of which ten lines fit beside the words."""

_DONE = {Action.RESOLVE: "\N{LARGE GREEN CIRCLE}", Action.ACKNOWLEDGE: "\N{EYES}"}
_SIGNS = {
    "critical": "\N{LARGE RED CIRCLE}",
    "warning": "\N{LARGE YELLOW CIRCLE}",
    "info": "\N{LARGE BLUE CIRCLE}",
}

Block = dict[str, Any]


def state(notification: Notification, now: datetime, own: str | None = None) -> dict[str, Any]:
    """Say how it stands, for the one message that is kept up to date; `text` is what a telephone shows.

    *own* is the workspace's template.
    """
    words = body(_unlinked(notification, runbooks=own is not None), now, own, "slack.j2")
    alerts = cleaned(notification).alerts
    links = [line for text in alerts[:IN_FULL] if (line := _links(text, named=len(alerts) > 1))]
    head = f"{sign(notification)} {subject(cleaned(notification))}"
    title = {"type": "plain_text", "text": printable(head, LONGEST_HEADER), "emoji": False}
    blocks: list[Block] = [{"type": "header", "text": title}]
    foot = list(sections("\n".join(links)))
    room = LONGEST_BLOCKS - sum(map(len, foot))
    parts = list(sections(escaped(printable(words, room))))
    while sum(map(len, parts)) > room:  # an escape is longer than what it stands for
        parts.pop()
    blocks += [*map(_words, parts), *map(_linked, foot)]
    return {"text": escaped(printable(head, LONGEST_SECTION)), "blocks": blocks[:MOST_BLOCKS]}


def event(notification: Notification, now: datetime, own: str | None = None) -> dict[str, Any]:
    """Say what happened, for the thread; the links are in the message above it."""
    head = f"{sign(notification)} {subject(cleaned(notification))}"
    told = body(_unlinked(notification, runbooks=True), now, own, "slack.j2")
    words = escaped(printable(f"{head}\n{told}", LONGEST_REPLY))
    return {"text": words, "blocks": [_words(part) for part in sections(words)]}


def _unlinked(notification: Notification, *, runbooks: bool) -> Notification:
    """Without what stands below as links; *runbooks* are kept for templates of the workspace, and in threads."""
    alerts = [replace(text, links=()) for text in notification.alerts]
    if not runbooks:
        alerts = [replace(text, runbook=None) if _runbook(text) else text for text in alerts]
    return replace(notification, alerts=tuple(alerts))


def _links(text: AlertText, *, named: bool) -> str:
    """The links of one alert in a line, as many as a line holds; *named* where there are several alerts."""
    line = f"{unformatted(escaped(one_line(titled(text), 50)))}: " if named else ""
    for name, url in _addresses(text):
        more = f"<{escaped(url)}|{escaped(name.capitalize())}>  "
        line += more if len(line) + len(more) <= LONGEST_LINE else ""
    return line.strip() if _addresses(text) else ""


def _addresses(text: AlertText) -> Labels:
    """Its runbook and its links: an address among the words leads nowhere, as nothing there is made a link."""
    runbook = _runbook(text)
    return (("runbook", runbook), *text.links) if runbook else text.links


def _runbook(text: AlertText) -> str:
    """The address of what to do now, where it can be a link."""
    runbook = text.runbook or ""
    fits = len(escaped(runbook)) <= LONGEST_LINE // 2 and followable(runbook)
    return runbook if fits and text.resolved_at is None else ""


def sign(notification: Notification) -> str:
    """Show the state at a glance, also to those who do not read English."""
    return _DONE.get(notification.action) or _SIGNS.get(worst(notification), _SIGNS["warning"])


def escaped(text: str) -> str:
    """Make text of it: no mention, no link. https://docs.slack.dev/messaging/formatting-message-text#escaping.

    >>> escaped("<!channel> a & b")
    '&lt;!channel&gt; a &amp; b'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_ALIKE = str.maketrans("*_~`:", "\u2217\u02cd\u223c\u02cb\u2236")


def unformatted(text: str) -> str:
    """Make it look the same without what mrkdwn formats by: for titles beside links, which stand in full above.

    >>> unformatted("*a_b*").isascii(), unformatted("a-b")
    (False, 'a-b')
    """
    return text.translate(_ALIKE)


def sections(text: str) -> Iterator[str]:
    """Cut escaped text into what a section holds, between lines where there are any, never inside an escape.

    >>> [len(part) for part in sections("x" * 2000 + chr(10) + "y" * 2000 + chr(10) + "z")]
    [2000, 2002]
    """
    part = ""
    for whole in text.strip().splitlines():
        line = whole
        if part and len(part) + 1 + len(line) > LONGEST_SECTION:
            yield part
            part = ""
        while len(line) > LONGEST_SECTION:
            cut = LONGEST_SECTION
            opened = line.rfind("&", cut - 4, cut)
            cut = opened if opened > 0 and ";" not in line[opened:cut] else cut
            yield line[:cut]
            line = line[cut:]
        part = f"{part}\n{line}" if part else line
    if part.strip():
        yield part


def _words(text: str) -> Block:
    return {"type": "section", "text": {"type": "plain_text", "text": text, "emoji": False}}


def _linked(text: str) -> Block:
    # verbatim: channel names and addresses in titles do not become links
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}

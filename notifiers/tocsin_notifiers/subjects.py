"""What a message is called: what fires now, the most severe and newest first; of what is over, what it was about; pure.

A mail's subject has to do two things. Some programs keep a conversation together by it: Gmail begins a new one where it
changes, whatever References say. And it is what wakes somebody, so it must not name what is over. So it stays while it
names something that fires and nothing fires that is more severe; else it names that, at the price of a new thread. How
many fire stands in the brackets, which are no part of what threads go by (RFC 5256, 2.1).
"""

import re

from tocsin.ports import CANARY, DIGEST, Action, AlertText, Notification

SEVERITIES = ("critical", "warning", "info")
_STATES = {Action.RESOLVE: "RESOLVED", Action.ACKNOWLEDGE: "ACKNOWLEDGED"}


def subject(notification: Notification) -> str:
    """Name state, alert and severity."""
    return f"[{state_word(notification)}] {base_subject(notification)}"


def state_word(notification: Notification) -> str:
    """Say how it stands in one word."""
    if notification.dedup_key.startswith(CANARY):
        return "TEST"
    if notification.dedup_key.startswith(DIGEST):
        return "DIGEST"
    return _STATES.get(notification.action, "FIRING")


def base_subject(notification: Notification) -> str:
    """Name the alert that matters most with its severity, and how many others are like it: fire, or are over."""
    alerts = _alike(notification)
    if len(alerts) == 1:
        return named(alerts[0])
    return f"{titled(_leading(alerts))} and {len(alerts) - 1} more ({worst(notification)})"


def mailed(notification: Notification, base: str) -> str:
    """Put the state and, where several fire, their number before *base*."""
    word, count = state_word(notification), len(_firing(notification))
    return f"[{word}:{count}] {base}" if word == "FIRING" and count > 1 else f"[{word}] {base}"


def mail_base(notification: Notification) -> str:
    """Name the alert that matters most with its severity; how many others there are stands before it, or below."""
    return named(_leading(_alike(notification)))


def stays(before: str, fresh: str, notification: Notification) -> bool:
    """Whether a conversation goes on under the subject *before*, where *fresh* is what it would be called now.

    That names none of the alerts where a workspace's template tells of the group; then it is true of all of them.
    """
    firing = _firing(notification)
    heavy = [text for text in firing if text.severity == worst(notification)]
    for called in (titled, _title):
        if _names(fresh, [called(text) for text in firing]):
            return _names(before, [called(text) for text in heavy])
    return True


def named(text: AlertText) -> str:
    """Name one alert with its severity."""
    front, opened, back = titled(text).removesuffix(")").rpartition(" (")
    if opened and titled(text).endswith(")"):
        return f"{front} ({back}, {text.severity})"  # one pair of brackets reads better than two
    return f"{titled(text)} ({text.severity})"


def worst(notification: Notification) -> str:
    """The most severe of what still fires; of what is over where nothing does."""
    return _leading(_alike(notification)).severity


def titled(text: AlertText) -> str:
    """Name the alert with its service, once."""
    return text.title if text.service in text.title else f"{text.service}: {text.title}"


def _firing(notification: Notification) -> list[AlertText]:
    return [text for text in notification.alerts if text.resolved_at is None]


def _alike(notification: Notification) -> list[AlertText]:
    """What fires; all of it where nothing does, and in a digest, which tells of both."""
    both = notification.dedup_key.startswith(DIGEST)
    return (not both and _firing(notification)) or list(notification.alerts)


def _leading(alerts: list[AlertText]) -> AlertText:
    """The most severe, of these the newest."""
    newest = sorted(alerts, key=lambda text: text.started_at, reverse=True)
    return min(newest, key=lambda text: _rank(text.severity))


def _names(base: str, titles: list[str]) -> bool:
    """Whether *base* has one of *titles*: `shop (a)` is in `shop (a, critical)`, and not in `shop (a1, critical)`."""
    return any(re.search(rf"{re.escape(title.removesuffix(')'))}(?![\w.:-])", base) for title in titles)


def _title(text: AlertText) -> str:
    return text.title


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)

"""What the log says of an evaluation."""

import logging
from collections.abc import Iterable, Mapping

from tocsin.evaluate.sight import Turn
from tocsin.ports import HEARTBEAT, Notification

log = logging.getLogger("tocsin.service.loop")


def tell_names(names: Mapping[str, str]) -> None:
    """Which alerts go on under another name, by the one before."""
    for before, rule in names.items():
        log.info("an alert goes on under another name", extra={"alert": rule, "before": before})


def tell(turned: Turn, outbox: Iterable[Notification]) -> None:
    """What changed, and what is told of it."""
    for identity, event in turned.events:
        extra = {
            "alert": identity.rule,
            "labels": dict(identity.labels),
            "change": event.kind.value,
            "episode": event.episode,
            "reason": event.reason,
            "value": event.value,
        }
        log.info("an alert changed", extra=extra)
    for notification in outbox:
        if notification.channel == HEARTBEAT:
            continue
        extra = {
            "channel": notification.channel,
            "action": notification.action.value,
            "alerts": [alert.title for alert in notification.alerts],
        }
        log.info("a message was put into the outbox", extra=extra)

"""What becomes of messages that wait behind each other: they are folded into one that tells the latest state."""

from collections.abc import Sequence
from dataclasses import replace

from tocsin.notify.pacing import SEVERITIES, severity_rank
from tocsin.ports import DIGEST, Action, Notification

UNANNOUNCED = "this alert fired and resolved before a message about it could be delivered here"


def urgency(message: Notification) -> int:
    """0 for a message about something critical; what is unknown comes last."""
    return min((severity_rank(text) for text in message.alerts), default=len(SEVERITIES))


def folded(waiting: Sequence[Notification], *, reached: bool) -> Notification:
    """One message in place of all that are *waiting* for one dedup key, oldest first.

    The last one's words win; an alert that only an earlier one knows is kept, so that no resolve is swallowed.
    *reached* says whether an earlier message may have arrived; if not, a RESOLVE says that it comes alone. A digest
    always does, also one that tells of ends only.
    """
    last = waiting[-1]
    alerts = {text.dedup_key: text for message in waiting for text in message.alerts}
    latest = {text.dedup_key for text in last.alerts}
    kept = tuple(text for key, text in alerts.items() if key not in latest and text.resolved_at is not None)
    action = last.action
    if action in {Action.REPEAT, Action.ACKNOWLEDGE} and any(message.action is Action.FIRE for message in waiting):
        action = Action.FIRE  # what nobody has been told of cannot be acknowledged there
    notes = last.notes
    digest = last.dedup_key.startswith(DIGEST)
    if action is Action.RESOLVE and not (reached or digest) and UNANNOUNCED not in notes:
        notes = (*notes, UNANNOUNCED)
    return replace(last, action=action, alerts=last.alerts + kept, notes=notes)

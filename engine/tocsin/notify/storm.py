"""Many messages for one channel, put together in one: counts, the worst in full, all of them told; pure."""

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

from tocsin.notify.pacing import reading_order
from tocsin.ports import Action, Notification

STORM = 20
"""More conversations than this that wait for one channel are told together."""
MOST_TOGETHER = 500
"""How many are put together at most: what one transaction leases, and one message holds in memory."""


def limit(critical: int, waiting: int) -> int:
    """How many messages to take: one, or all of a storm. A few critical ones go first, each by itself.

    >>> limit(0, 20), limit(0, 21), limit(3, 900), limit(21, 900)
    (1, 500, 1, 500)
    """
    return MOST_TOGETHER if waiting > STORM and not 0 < critical <= STORM else 1


def together(messages: Sequence[Notification]) -> Notification:
    """One message in place of *messages*; the latest words of each alert, the most severe first, and notes of them all.

    Its key is made of theirs, so that a second attempt is the same message.
    """
    latest = {}
    for message in messages:
        latest.update({text.dedup_key: text for text in message.alerts})
    alerts = tuple(sorted(latest.values(), key=reading_order))
    over = all(message.action is Action.RESOLVE for message in messages)
    names = repr(sorted((message.dedup_key, message.seq) for message in messages))
    firing = Counter(text.severity for text in alerts if text.resolved_at is None)
    counts = [f"{count} {severity} firing" for severity, count in sorted(firing.items(), key=lambda c: -c[1])]
    if resolved := sum(text.resolved_at is not None for text in alerts):
        counts.append(f"{resolved} resolved")
    shared = [note for note in messages[0].notes if all(note in message.notes for message in messages)]
    return Notification(
        channel=messages[0].channel,
        dedup_key=f"storm-{sha256(names.encode()).hexdigest()[:40]}",
        action=Action.RESOLVE if over else Action.FIRE,
        alerts=alerts,
        evaluated_at=min(message.evaluated_at for message in messages),
        notes=(f"a storm: {len(messages)} messages in one, {', '.join(counts)}", *shared),
    )

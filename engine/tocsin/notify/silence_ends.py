"""Who is reminded of a silence before it ends: those who would hear of what it still mutes; pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from tocsin.evaluate.model import AlertView, MuteKind
from tocsin.evaluate.state import OPEN
from tocsin.notify.silences import Silence
from tocsin.ports import Labels, labels_of

SOON = timedelta(minutes=15)
SHARE = 4
"""A short one is told of in its last quarter."""
MOST_NAMED = 5


def ending(
    silences: Iterable[Silence], views: Iterable[AlertView], now: datetime
) -> Mapping[Labels, tuple[float, str]]:
    """Silences that end soon while an alert fires that they mute: the minutes left, and what is to be said of it."""
    soon = [each for each in silences if each.state(now) == "active" and each.ends_at - now <= _lead(each)]
    if not soon:
        return {}
    firing = [view for view in views if view.phase in OPEN]
    found = {}
    for silence in soon:
        titles = sorted({view.title for view in firing if silence.id in _silenced_by(view)})
        if titles:
            labels = labels_of({"silence": silence.id, "created_by": silence.created_by})
            found[labels] = ((silence.ends_at - now).total_seconds() / 60, _words(silence, titles))
    return found


def _lead(silence: Silence) -> timedelta:
    return min(SOON, (silence.ends_at - silence.starts_at) / SHARE)


def _silenced_by(view: AlertView) -> Iterator[str]:
    return (mute.by for mute in view.muted if mute.kind is MuteKind.SILENCE)


def _words(silence: Silence, titles: list[str]) -> str:
    names = ", ".join(titles[:MOST_NAMED]) + (
        f" and {len(titles) - MOST_NAMED} more" if len(titles) > MOST_NAMED else ""
    )
    fire = "fires" if len(titles) == 1 else "fire"
    said = f"that of {silence.created_by} ({silence.comment or 'no reason given'}) ends at {silence.ends_at:%H:%M} UTC"
    return f"{said}, and still {fire} what it mutes: {names}"

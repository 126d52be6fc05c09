"""When a conversation speaks next; pure."""

from datetime import datetime

from tocsin.evaluate.memory import Echo, GroupEpisode, GroupState, Timers
from tocsin.notify import pacing
from tocsin.notify.pacing import LONG_AGO, SEVERITIES, severity_rank
from tocsin.ports import AlertText


def echo_of(state: GroupState) -> Echo | None:
    """What is left of what the group as a whole was told."""
    return next((echo for echo in state.echoes if echo.alert is None), None)


def ripe_at(episode: GroupEpisode, text: AlertText, echo: Echo | None, timers: Timers) -> datetime:
    """When a new alert may be told, if nothing else is waited for."""
    held = pacing.hold(echo, timers.flap, timers.longest)
    return max(episode.seen_at + timers.wait, pacing.free_at(echo, text, held))


def due_at(state: GroupState, timers: Timers, now: datetime) -> datetime:
    """When the conversation speaks next, if nothing more happens; long ago for what cannot wait.

    What began before the clock was set back seems to end later than *now*, and has not to wait until then.
    """
    fresh = [e for e in state.episodes if not e.announced]
    ends = [e.text.resolved_at for e in state.episodes if e.text.resolved_at is not None]
    closed = [at if at <= now else LONG_AGO for at in ends]
    running = [e for e in state.episodes if e.announced and e.open]
    ripe = [(severity_rank(e.text), ripe_at(e, e.text, echo_of(state), timers)) for e in fresh]
    if state.sent_at is None:
        return min(at for _, at in ripe)
    if not fresh and not closed:
        return state.sent_at + timers.repeat
    if not fresh and not running:
        return LONG_AGO
    since = min([e.seen_at for e in fresh] + closed)
    worst = min((severity_rank(e.text) for e in running), default=len(SEVERITIES) + 1)
    urgent = [at for rank, at in ripe if rank < worst]
    return min([max(since + timers.wait, state.sent_at + timers.interval), *urgent])

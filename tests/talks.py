"""`Talk` plays the evaluator's loop with a clock of its own: what is told of alerts that come and go."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from tests.alerts import NOON, channel, notifications, route, seconds, view

from tocsin.evaluate.memory import GroupKey, GroupState
from tocsin.evaluate.model import AlertView, Phase
from tocsin.notify.group import announce
from tocsin.ports import Notification
from tocsin.spec import Notifications


class Talk:
    """The conversations of one workspace, tick by tick; closed views are shown once, as the evaluator does."""

    def __init__(self, workspace: tuple[Notifications, ...]) -> None:
        self.workspace = workspace
        self.groups: dict[GroupKey, GroupState] = {}
        self.now = NOON
        self.sent: list[Notification] = []

    def tick(self, at: float, *views: AlertView) -> list[tuple[str, str, tuple[str, ...]]]:
        """Look *at* seconds after noon; what is sent as (channel, action, keys)."""
        self.now = NOON + seconds(at)
        changes, messages = announce(self.groups, views, self.workspace, self.now)
        self.groups = apply(self.groups, changes)
        self.sent += messages
        return [(m.channel, m.action.value, tuple(a.dedup_key for a in m.alerts)) for m in messages]


def apply(
    groups: Mapping[GroupKey, GroupState], changes: Mapping[GroupKey, GroupState | None]
) -> dict[GroupKey, GroupState]:
    """What the store holds after the commit."""
    return {key: state for key, state in {**groups, **changes}.items() if state is not None}


def closed(key: str, at: float) -> AlertView:
    """Show the end of an episode."""
    return over(view(key), NOON + seconds(at))


def over(one: AlertView, at: datetime) -> AlertView:
    """Show the end of *one*."""
    return replace(one, phase=Phase.INACTIVE, resolved_at=at)


EMAIL = notifications(channel("email"), route("email"))

"""Which alerts nobody is told of at the moment, and why.

Muting holds back the opening and the repeating of messages, never the end of what people were told: an incident that
is open somewhere is closed there, silenced or not. The order of reasons is that of Alertmanager's pipeline; all that
hold are given, so that people can see what else would have kept it quiet.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tocsin.evaluate.model import AlertView, Mute, MuteKind
from tocsin.evaluate.state import OPEN
from tocsin.matchers import Matchers, equal, fulfilled
from tocsin.notify.hours import running
from tocsin.notify.routing import Directory, routing_labels
from tocsin.notify.silences import Silence
from tocsin.plan.build import feasible_tiers
from tocsin.plan.inhibit import inhibitions as between_tiers
from tocsin.plan.model import Inhibition as TierInhibition
from tocsin.ports import Labels
from tocsin.spec import Inhibit, Maintenance, Notifications
from tocsin.workspace import Workspace

BLIND_INHIBITS = timedelta(minutes=5)
"""How long a source that nobody can see any more keeps others quiet that are seen: beyond a short gap, not for ever.

What went out of sight with it, as when nobody can look at anything, is no news.
It is Alertmanager's `resolve_timeout`: there a source that is no longer sent stops inhibiting after as long.
"""


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While an alert like *source* fires, those like *target* with the same labels *equal* are not told.

    https://prometheus.io/docs/alerting/latest/configuration/#inhibit_rule
    """

    source: Matchers
    target: Matchers
    equal: tuple[str, ...] = ()

    @classmethod
    def of(cls, made: TierInhibition) -> "Inhibition":
        """Between the tiers of an objective, as the compiler makes them for Alertmanager."""
        return cls(equal(dict(made.source)), equal(dict(made.target)), made.equal)

    @classmethod
    def said(cls, rule: Inhibit) -> "Inhibition":
        """As somebody wrote it."""
        return cls(rule.source, rule.target, rule.equal)


def inhibitions_of(workspace: Workspace) -> tuple[Inhibition, ...]:
    """Those between the tiers of the objectives of *workspace*, and those that its Notifications say."""
    objectives = ((slo, feasible_tiers(slo)) for service in workspace.services for slo in service.slos)
    made = (Inhibition.of(each) for each in between_tiers(objectives))
    return (*made, *(Inhibition.said(each) for document in _documents(workspace) for each in document.inhibit))


def muting_of(workspace: Workspace) -> "Muting":
    """All that the definitions of *workspace* mute by; silences come from elsewhere."""
    windows = (window for document in _documents(workspace) for window in document.maintenance.values())
    return Muting((), inhibitions_of(workspace), tuple(windows), Directory.of(workspace.notifications))


def _documents(workspace: Workspace) -> list[Notifications]:
    return sorted(workspace.notifications, key=lambda document: document.name)


@dataclass(frozen=True, slots=True)
class Muting:
    """All that may mute an alert."""

    silences: tuple[Silence, ...] = ()
    inhibitions: tuple[Inhibition, ...] = ()
    windows: tuple[Maintenance, ...] = ()
    directory: Directory | None = None
    """Whose routes may be quiet."""

    def over(self, views: Sequence[AlertView], now: datetime) -> tuple[AlertView, ...]:
        """The *views* with why they are muted."""
        why = self.reasons(views, now)
        return tuple(replace(view, muted=why.get(view.dedup_key, ())) for view in views) if why else tuple(views)

    def reasons(self, views: Sequence[AlertView], now: datetime) -> Mapping[str, tuple[Mute, ...]]:
        """Why each of *views* is muted, by its dedup key; those that are not are left out."""
        labels = {view.dedup_key: routing_labels(view) for view in views}
        active = [silence for silence in self.silences if silence.state(now) == "active"]
        firing = [view for view in views if view.phase in OPEN and view.resolved_at is None]
        seen = _Sources.of(self.inhibitions, [view for view in firing if _seen(view, now)], labels)
        unseen = _Sources.of(self.inhibitions, [view for view in firing if not _seen(view, now)], labels)
        open_windows = [(window, end) for window in self.windows if (end := running(window, now))]
        found: dict[str, tuple[Mute, ...]] = {}
        for view in views:
            mine = labels[view.dedup_key]
            quiet = self.directory.mutes(view, now) if self.directory else ()
            inhibited = (*seen.over(mine), *(() if _seen(view, now) else unseen.over(mine)))
            why = (*inhibited, *quiet, *_maintained(open_windows, mine), *_silenced(active, mine))
            if why:
                found[view.dedup_key] = why
        return found


NOTHING = Muting()
"""Every alert is told."""


def _silenced(active: Iterable[Silence], labels: Mapping[str, str]) -> Iterator[Mute]:
    for silence in active:
        if fulfilled(silence.matchers, labels):
            why = f"(silenced by {silence.created_by}: {silence.comment})"
            yield Mute(MuteKind.SILENCE, silence.id, why, silence.ends_at)


def _maintained(windows: Iterable[tuple[Maintenance, datetime]], labels: Mapping[str, str]) -> Iterator[Mute]:
    for window, end in windows:
        if fulfilled(window.matchers, labels):
            why = f"(maintenance by {window.owner}: {window.reason})"
            yield Mute(MuteKind.MAINTENANCE, window.name, why, end)


_First = Mapping[Labels, AlertView]


@dataclass(frozen=True, slots=True)
class _Sources:
    """The first firing source of each inhibition by the values of its equal labels: a look-up for each target.

    What is both source and target of a rule is inhibited by no other that is both: neither would be told. So beside
    the first of all stands the first that is no target.
    """

    inhibitions: tuple[Inhibition, ...]
    firing: tuple[tuple[_First, _First], ...]

    @classmethod
    def of(
        cls,
        inhibitions: tuple[Inhibition, ...],
        sources: Sequence[AlertView],
        labels: Mapping[str, Mapping[str, str]],
    ) -> "_Sources":
        tables: list[tuple[_First, _First]] = []
        for rule in inhibitions:
            any_of: dict[Labels, AlertView] = {}
            no_target: dict[Labels, AlertView] = {}
            for view in sources:
                mine = labels[view.dedup_key]
                if fulfilled(rule.source, mine):
                    key = _values(rule, mine)
                    any_of.setdefault(key, view)
                    if key not in no_target and not fulfilled(rule.target, mine):
                        no_target[key] = view
            tables.append((any_of, no_target))
        return cls(inhibitions, tuple(tables))

    def over(self, labels: Mapping[str, str]) -> Iterator[Mute]:
        for rule, (any_of, no_target) in zip(self.inhibitions, self.firing, strict=True):
            if not any_of or not fulfilled(rule.target, labels):
                continue
            table = no_target if fulfilled(rule.source, labels) else any_of
            source = table.get(_values(rule, labels))
            if source is not None:
                yield Mute(MuteKind.INHIBITION, source.dedup_key, f"(while this fires: {source.title})")


def _seen(view: AlertView, now: datetime) -> bool:
    """Whether somebody saw it lately."""
    return view.blind_since is None or now - view.blind_since < BLIND_INHIBITS


def _values(rule: Inhibition, labels: Mapping[str, str]) -> Labels:
    return tuple((name, labels.get(name, "")) for name in rule.equal)

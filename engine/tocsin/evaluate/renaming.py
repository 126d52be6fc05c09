"""Alerts go on when their rule gets another name; pure.

Under which names a rule went before is what its definition says (`formerly`). Without that, a rule nothing is
remembered of is taken for one that is gone, if that one has open or pending alerts, both have the same service,
condition, times and severity, and no third rule could be meant. All of this is found in what is stored, so that it is
the same after a reload, at a start, and where another evaluator takes over.

An episode keeps its key, so it stays the same incident and the same conversation everywhere.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace

from tocsin.evaluate.memory import GroupKey, GroupState, Memory
from tocsin.evaluate.model import AlertState, Identity, Phase
from tocsin.evaluate.received import PREFIX
from tocsin.evaluate.rule import Rule, key_of
from tocsin.spec import AlertRule, Part
from tocsin.spec.expression import PromQl


@dataclass(frozen=True, slots=True)
class Carried:
    """All that is remembered, under the names of today; *alerts* (None forgets) and *groups* are to be stored.

    *names* are those that rules with open or pending alerts had before, with those that they have now.
    """

    memory: Memory
    alerts: Mapping[Identity, AlertState | None] = field(default_factory=dict)
    groups: Mapping[GroupKey, GroupState] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


def means(alert: AlertRule) -> str:
    """A fingerprint of when it fires and how bad that is: the same under another name, in other words, elsewhere."""
    condition = alert.condition
    said = (getattr(condition, each.name) for each in fields(condition))
    when = (alert.for_, alert.keep_firing_for, alert.on_missing, alert.severity)
    text = repr((alert.service, type(condition).__name__, *map(_plain, said), *map(str, when)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(value: object) -> object:
    if isinstance(value, PromQl):
        return value.text
    if isinstance(value, tuple):
        return tuple(part.ref for part in value if isinstance(part, Part))
    return str(value)


def carried(memory: Memory, rules: Mapping[str, Rule]) -> Carried:
    """Give what is remembered of rules that are gone to those of *rules* that they have become."""
    gone: dict[str, list[Identity]] = {}
    for identity in memory.alerts:
        if identity.rule not in rules and not identity.rule.startswith(PREFIX):
            gone.setdefault(identity.rule, []).append(identity)
    names = _names(memory, gone, rules) if gone else {}
    alerts, moved = dict(memory.alerts), dict[Identity, Identity]()
    for old, new in names.items():
        for identity in gone[old]:
            now, state = Identity(new, identity.labels), alerts[identity]
            there = alerts.get(now)
            if there is None or (there.phase is Phase.INACTIVE and state.phase is not Phase.INACTIVE):
                del alerts[identity]
                alerts[now] = _under(identity, state, there)
                moved[identity] = now
    return _moved(memory, alerts, moved) if moved else Carried(memory)


def _names(memory: Memory, gone: Mapping[str, list[Identity]], rules: Mapping[str, Rule]) -> dict[str, str]:
    """The rules of today by those that they were."""
    found: dict[str, str] = {}
    for rule in rules.values():
        for name in rule.formerly:
            if name in gone:
                found.setdefault(name, rule.id)
    return found | _alike(memory, {name: gone[name] for name in gone if name not in found}, rules, found.values())


def _alike(
    memory: Memory, gone: Mapping[str, list[Identity]], rules: Mapping[str, Rule], claimed: Iterable[str]
) -> dict[str, str]:
    """Where exactly one rule is gone and exactly one is new that mean the same, these two."""
    left: dict[str, set[str]] = {}
    for identity in (each for instances in gone.values() for each in instances):
        state = memory.alerts[identity]
        if state.means and state.phase is not Phase.INACTIVE:
            left.setdefault(state.means, set()).add(identity.rule)
    if not left:
        return {}
    known = {identity.rule for identity in memory.alerts} | set(claimed)
    new: dict[str, list[str]] = {}
    for rule in rules.values():
        if rule.means in left and rule.id not in known:
            new.setdefault(rule.means, []).append(rule.id)
    pairs = ((olds, new.get(meant, [])) for meant, olds in left.items())
    return {
        old: now for olds, news in pairs if len(olds) == len(news) == 1 for old, now in zip(olds, news, strict=True)
    }


def _under(identity: Identity, state: AlertState, there: AlertState | None) -> AlertState:
    """The state of *identity* for its new name, where *there* was an episode before; an open one keeps its key."""
    episode = max(state.episode, there.episode if there else 0)
    key = "" if state.phase is Phase.INACTIVE else key_of(identity, state)
    return replace(state, key=key, episode=episode)


def _moved(memory: Memory, alerts: Mapping[Identity, AlertState], moved: Mapping[Identity, Identity]) -> Carried:
    views = {
        moved.get(identity, identity): replace(view, identity=moved.get(identity, identity))
        for identity, view in memory.views.items()
    }
    groups = {key: after for key, state in memory.groups.items() if (after := _renamed(state, moved)) != state}
    return Carried(
        replace(memory, alerts=alerts, views=views, groups={**memory.groups, **groups}),
        {**dict.fromkeys(moved), **{now: alerts[now] for now in moved.values()}},
        groups,
        dict(_told(alerts, moved.items())),
    )


def _renamed(state: GroupState, moved: Mapping[Identity, Identity]) -> GroupState:
    def now(alert: Identity | None) -> Identity | None:
        return None if alert is None else moved.get(alert, alert)

    episodes = tuple(replace(each, alert=now(each.alert)) for each in state.episodes)
    return replace(
        state, episodes=episodes, echoes=tuple(replace(each, alert=now(each.alert)) for each in state.echoes)
    )


def _told(
    alerts: Mapping[Identity, AlertState], moved: Iterable[tuple[Identity, Identity]]
) -> Iterator[tuple[str, str]]:
    for before, now in moved:
        if alerts[now].phase is not Phase.INACTIVE:
            yield before.rule, now.rule

"""Alerts that others evaluate: what a Prometheus says through Alertmanager's API, as samples of our state machine.

A sender says "this fires, until *ends_at* unless I say more", and says it again every minute. So three things can be
known of what it sent:

| what was said last | its truth |
|---|---|
| it fires, and its time has not run out | true, at once: its sender has waited for `for` |
| it ended | false |
| it fired, and then nothing until its time ran out | false if its rule tells so (`evaluate/rulings.py`), else unknown |

The third row is the point. Alertmanager takes silence for an end, so a Prometheus that is killed sends a RESOLVED for
every incident that it had open. Here such an alert becomes blind. A sender that is not known to tell the end itself (it
is no Prometheus and no vmalert) means its *ends_at*, as Alertmanager's API says.

An alert that also our rules evaluate is one alert: it fires while either says so, and ends when our rules say that it
is over and its sender does not say that it fires.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from tocsin.evaluate.claims import Claim
from tocsin.evaluate.label_sets import LabelSets
from tocsin.evaluate.model import Identity, Sample, Truth
from tocsin.evaluate.rule import Rest, Rule, Seen, before_renaming, unknown
from tocsin.evaluate.rulings import Evidence
from tocsin.ports import Labels, labels_of

PREFIX = "received:"
"""What Identity.rule of an alert begins with that none of our rules evaluates."""
TEXTS = ("summary", "message", "description")
"""Annotations that people write their words in."""
_UNSAID = ("alertgroup", "job", "prometheus", "service", "severity")
"""Labels that tell no two alerts of one name apart for a person."""
SEVERITIES = {"page": "critical", "critical": "critical", "ticket": "warning", "warning": "warning", "info": "info"}


@dataclass(frozen=True, slots=True)
class Received:
    """All claims of one tick, and *rulings*: what the metric source's own rules say of them, if somebody could ask."""

    claims: tuple[Claim, ...] = ()
    rulings: tuple[Evidence, ...] = ()

    def sample(self, claim: Claim, now: datetime) -> Sample:
        """What *claim* says now."""
        if claim.ended:
            return Sample(Truth.FALSE, reason="its sender says that it is over")
        if now < claim.ends_at:
            return Sample(Truth.TRUE, reason="its sender says that it fires", facts=_facts(claim), at_once=True)
        if not claim.tells_end:
            end = f"{claim.ends_at:%Y-%m-%d %H:%M:%S} UTC"
            return Sample(Truth.FALSE, reason=f"it was to end at {end} unless it was sent again")
        if any(ruling.ends(claim) for ruling in self.rulings):
            return Sample(
                Truth.FALSE, reason="its rule was evaluated without it, or removed, since its sender was last heard of"
            )
        at = f"{claim.said_at:%Y-%m-%d %H:%M:%S} UTC"
        return Sample(Truth.UNKNOWN, reason=f"its sender was last heard of at {at}, and did not say that it is over")


# --- which alert -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Heard:
    """The claims of one tick, each with its truth: of our rules by Identity.rule, and of alerts that others made up."""

    ours: Mapping[str, tuple[tuple[Claim, Sample], ...]] = field(default_factory=dict)
    theirs: tuple[tuple[Claim, Sample], ...] = ()
    outdated: tuple[Claim, ...] = ()
    """What nobody needs: of a rule of ours that was removed, and of one by a former name when its sender is silent, for
    that may have the new one now."""
    silent: tuple[Claim, ...] = ()
    """What is blind as its sender is silent; of the rest of that, the rule is pending again."""

    @property
    def blind(self) -> tuple[Claim, ...]:
        """What fired when its sender was last heard of, where nobody can tell whether it still does."""
        both = (*(pair for pairs in self.ours.values() for pair in pairs), *self.theirs)
        return tuple(claim for claim, sample in both if sample.truth is Truth.UNKNOWN)


NOTHING = Heard()


def removed(alerts: Iterable[Identity], rules: Mapping[str, Rule]) -> frozenset[str]:
    """The `ref` of each of our rules of which *alerts* are remembered, but that is not among *rules* any more."""
    gone = {identity.rule for identity in alerts if identity.rule not in rules}
    return frozenset(rule.partition(":")[0] for rule in gone if not rule.startswith(PREFIX))


def heard(received: Received, rules: Mapping[str, Rule], now: datetime, gone: Collection[str] = frozenset()) -> Heard:
    """Sort the claims by the rules that they belong to: those all of whose labels they have, or had before.

    Of our rules with a `ref` among *gone* people have heard the end; that a Prometheus still has them is no news.
    """
    if not received.claims:
        return NOTHING
    by_ref: dict[str, list[Rule]] = {}
    for rule in rules.values():
        for each in (rule, *(before_renaming(rule, name) for name in rule.formerly if name not in rules)):
            by_ref.setdefault(dict(each.labels).get("ref", ""), []).append(each)
    ours: dict[str, list[tuple[Claim, Sample]]] = {}
    theirs: list[tuple[Claim, Sample]] = []
    outdated: list[Claim] = []
    for claim in received.claims:
        pair, labels = (claim, received.sample(claim, now)), set(claim.labels)
        known = by_ref.get(dict(claim.labels).get("ref", ""), ()) if claim.labels else ()
        mine = next((each for each in known if labels >= set(each.labels)), None)
        if mine is None and dict(claim.labels).get("ref", "") in gone:
            outdated.append(claim)
        elif mine is None:
            theirs.append(pair)
        elif mine is not rules[mine.id] and pair[1].truth is Truth.UNKNOWN:
            outdated.append(claim)
        else:
            ours.setdefault(mine.id, []).append(pair)
    found = Heard({rule: tuple(pairs) for rule, pairs in ours.items()}, tuple(theirs), tuple(outdated))
    silent = (claim for claim in found.blind if not any(ruling.waits(claim) for ruling in received.rulings))
    return replace(found, silent=tuple(silent))


def instance_of(rule: Rule, claim: Claim, known: LabelSets) -> Labels:
    """Which instance of *rule*: the one *known* whose labels it all has, for its sender may have added some."""
    if matching := known.within(claim.labels):
        return max(matching, key=lambda labels: (len(labels), labels))
    own = {name for name, _ in (*rule.labels, *rule.templates)}
    return tuple((name, value) for name, value in claim.labels if name not in own)


def joined(seen: Seen, rule: Rule, said: Iterable[tuple[Claim, Sample]], known: Iterable[Labels]) -> Seen:
    """What our look saw, and what senders *said* of the same rule: it fires while either says so.

    *known* are the instances that are open or were.
    """
    rows = dict(seen.rows)
    instances = LabelSets((*known, *rows))
    for claim, sample in said:
        labels = instance_of(rule, claim, instances)
        instances.add(labels)
        ours = rows.get(labels)
        if sample.truth is Truth.TRUE:
            rows[labels] = _firing(ours, sample)
        elif ours is None:
            rest = seen.rest.judge(labels)
            rows[labels] = sample if rest.truth is Truth.UNKNOWN else rest
    return replace(seen, rows=rows)


def _firing(ours: Sample | None, said: Sample) -> Sample:
    if ours is None:
        return said
    kept = ours.facts if ours.truth is Truth.TRUE else ()
    return replace(said, value=ours.value, facts=(*kept, *said.facts))


# --- alerts that none of our rules evaluates ---------------------------------------------------------------


def foreign(claim: Claim) -> tuple[Rule, Labels]:
    """A rule for an alert that others made up, and its instance there: all its labels but the name."""
    labels, notes = dict(claim.labels), dict(claim.annotations)
    name = labels.get("alertname", "alert")
    service = labels.get("service", "")
    texts = [notes[key] for key in TEXTS if notes.get(key)]
    made = Rule(
        id=f"{PREFIX}{name}",
        service=service,
        severity=SEVERITIES.get(labels.get("severity", ""), "warning"),
        title=f"{name} on {service}" if service else name,
        summary=plain(texts[0] if texts else name),
        labels=labels_of({key: labels[key] for key in ("alertname",) if key in labels}),
        runbook=notes.get("runbook_url"),
        description=plain(texts[1] if len(texts) > 1 else ""),
        unsaid=_UNSAID,
    )
    return made, tuple((key, value) for key, value in claim.labels if key != "alertname")


def plain(text: str) -> str:
    """A sender's words are no template of ours."""
    return text.replace("{{", "{ {")


def forgotten(identities: Iterable[Identity], heard: Collection[Identity]) -> Iterator[tuple[Rule, Identity, Seen]]:
    """Open alerts of senders that nothing is known of any more, as after a restart with an empty inbox."""
    for identity in identities:
        if identity.rule.startswith(PREFIX) and identity not in heard:
            name = identity.rule.removeprefix(PREFIX)
            bare = Rule(identity.rule, dict(identity.labels).get("service", ""), "warning", name, "", ())
            yield bare, identity, Seen(rest=_unheard())


def _unheard() -> Rest:
    return unknown("its sender has not been heard of since the start")


def _facts(claim: Claim) -> tuple[tuple[str, str], ...]:
    more = [(key, value) for key, value in claim.annotations if key not in {*TEXTS, "runbook_url"}]
    return (*more[:5], *((("shown at", claim.url),) if claim.url else ()))

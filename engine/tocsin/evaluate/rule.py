"""A rule as the evaluator runs it, and how its alerts read."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from tocsin.evaluate.model import AlertState, AlertView, Identity, Phase, Sample, Timing, Truth
from tocsin.evaluate.state import OPEN
from tocsin.evaluate.witness import Need, Series
from tocsin.evaluate.words import fill
from tocsin.ports import Labels, labels_of
from tocsin.spec import Raw
from tocsin.template import misfits
from tocsin.units import Duration

AT_ONCE = Timing(Duration(0), Duration(0))


@dataclass(frozen=True, slots=True)
class Rule:
    """What an alert is called, whom it is for and how patient it is.

    *id* is Identity.rule; *labels* are what routes match, beside the labels of the row. *title* stays the same for
    the whole episode, so that threads and subjects do; *summary* and *description* (what it means, what to do) may use
    `{{ value }}` and `{{ labels.x }}`.
    """

    id: str
    service: str
    severity: str
    title: str
    summary: str
    labels: Labels
    timing: Timing = AT_ONCE
    notify: tuple[str, ...] = ()
    runbook: str | None = None
    asks: str = ""
    """A fingerprint of the question whose rows are instances; another question may have other instances."""
    description: str = ""
    templates: Labels = ()
    """Labels whose values are templates; filled for each instance."""
    unsaid: tuple[str, ...] = ()
    """Labels of an instance that do not stand in its title."""
    formerly: tuple[str, ...] = ()
    """What its id was before it was renamed."""
    means: str = ""
    """A fingerprint of all that makes it the same rule under another name; empty where nothing does."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What is to be thought of an instance that one look did not mention.

    *sample* is the answer by policy. With *need* an instance is gone for good reason if what it needs is still there
    among the *series*.
    """

    sample: Sample
    need: Need | None = None
    series: Series = field(default_factory=dict)

    def judge(self, labels: Labels) -> Sample:
        """The sample of the instance with *labels*."""
        if self.need is None or not self.need.there(labels, self.series):
            return self.sample
        return Sample(Truth.FALSE, reason="the condition no longer holds, and its series are still there")


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look saw for one rule: a sample for each instance, and for all that were not mentioned.

    *complete* says that the whole answer was seen: what it does not mention is not there.
    """

    rows: Mapping[Labels, Sample] = field(default_factory=dict)
    rest: Rest = field(default_factory=lambda: unknown("not looked at"))
    complete: bool = False


def plain(raw: Raw) -> dict[str, str]:
    """The labels for Prometheus that are no templates."""
    return {name: text for name, text in raw.labels if "{{" not in text}


def templates(raw: Raw) -> Labels:
    """Those whose templates can be filled in here; others are left out."""
    return tuple(pair for pair in raw.labels if "{{" in pair[1] and not misfits(pair[1]))


def unknown(reason: str) -> Rest:
    """Nobody could look."""
    return Rest(Sample(Truth.UNKNOWN, reason=reason))


def one(sample: Sample) -> Seen:
    """A rule with a single instance without labels."""
    return Seen({(): sample}, Rest(sample))


def dedup_key(identity: Identity, episode: int, started: datetime) -> str:
    """Name one episode of one alert, the same on every channel and after every restart.

    The number of the episode keeps apart what a clock that went back would not; the instant at which it *started*,
    to the microsecond, what has the same number because the alert was forgotten in between.

    >>> dedup_key(Identity("be-camera/uptime:fast"), 1, datetime(2026, 11, 23, 12, tzinfo=UTC))
    '28e0a58fa58975f257b57d0ac7153a1887d16521'
    """
    labels = (f"{k}\x01{v}" for k, v in identity.labels)
    text = "\x00".join([identity.rule, *labels, str(episode), started.astimezone(UTC).isoformat()])
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def key_of(identity: Identity, state: AlertState) -> str:
    """The key of the episode that goes on, or was the last; of a pending alert the one that it will have."""
    started = state.active_at or state.fired_at
    assert started is not None, "only an episode has a key"  # noqa: S101
    return state.key or dedup_key(identity, state.episode + (state.phase is Phase.PENDING), started)


def before_renaming(rule: Rule, name: str) -> Rule:
    """The *rule* with the labels that it had when its id was *name*; a sender may still evaluate it as that."""
    ref, _, tier = name.partition(":")
    service, _, own = ref.partition("/")
    labels = dict(rule.labels)
    labels |= {"ref": ref, "service": service}
    if tier:
        labels["slo"] = own
    elif labels["alertname"] == rule.id.partition("/")[2]:
        labels["alertname"] = own
    return replace(rule, labels=labels_of(labels))


def _which(labels: Labels, limit: int = 60) -> str:
    """Tell instances of one rule apart in a title."""
    text = ", ".join(value for _, value in labels)
    return f" ({text if len(text) <= limit else text[: limit - 1] + '…'})" if text else ""


def view(rule: Rule, identity: Identity, state: AlertState) -> AlertView:
    """One episode as people see it; a pending alert shows the key that it will have."""
    labels = dict(identity.labels) | dict(rule.labels)
    labels |= {name: fill(text, labels, state.value) for name, text in rule.templates}
    coming = state.phase is Phase.PENDING
    started = state.active_at or state.fired_at
    assert started is not None, "only an episode can be shown"  # noqa: S101
    return AlertView(
        identity=identity,
        service=rule.service,
        title=rule.title + _which(tuple(pair for pair in identity.labels if pair[0] not in rule.unsaid)),
        summary=fill(rule.summary, labels, state.value),
        severity=rule.severity,
        phase=state.phase,
        started_at=started,
        fired_at=state.fired_at if not coming else None,
        resolved_at=state.resolved_at if state.phase not in OPEN and not coming else None,
        blind_since=state.blind_since,
        dedup_key=key_of(identity, state),
        labels=labels_of(labels),
        facts=state.facts,
        notify=rule.notify,
        reason=state.reason,
        runbook=rule.runbook,
        description=fill(rule.description, labels, state.value),
    )

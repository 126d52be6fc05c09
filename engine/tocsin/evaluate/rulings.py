"""Whether a rule of the metric source is evidence that an alert is over whose sender has fallen silent.

That the rule was evaluated, and has no such alert, says nothing by itself: the sender may have been another Prometheus
with rules of the same names, or the same one, started anew and without a sample yet. So the rule's series have to be
there as well, of the instance that is meant, just before the rule was evaluated (as for alerts of our own,
`evaluate/witness.py`); and each label of the alert has to come from the rule, from its series, or from the external
labels of that server. Where that cannot be told, the alert stays blind.

A rule that was removed is none that could be asked. That a server does not have it is evidence where its external
labels tell that it is the sender, and no rule has the name or the expression of the alert (`Roster`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from tocsin.errors import SourceError
from tocsin.evaluate.claims import Claim
from tocsin.evaluate.expression import read
from tocsin.evaluate.label_sets import LabelSets
from tocsin.evaluate.witness import All, Need, Series, carried, identity, selectors
from tocsin.ports import Labels, RuleSource, WatchedRule

MOST = 50
"""Selectors that are asked for at a time: evaluations wait meanwhile."""
BEFORE = timedelta(seconds=5)
"""A server tells when an evaluation was made, which may be later than the instant it was of."""
_ADDED = frozenset({"alertname", "alertgroup"})
"""Labels that Prometheus and vmalert add to every alert."""


class Evidence(Protocol):
    """What the metric source says of alerts whose sender is silent."""

    def ends(self, claim: Claim) -> bool:
        """Whether the alert of *claim* is over by it."""
        ...

    def waits(self, claim: Claim) -> bool:
        """Whether it tells why the sender of *claim* says nothing, without being silent."""
        ...


@dataclass(frozen=True, slots=True)
class Roster:
    """The alerting rules that a server has: their *names*, their *queries*, when one was last evaluated well."""

    names: frozenset[str]
    queries: frozenset[str]
    evaluated_at: datetime
    external: Labels

    def ends(self, claim: Claim) -> bool:
        """Whether its rule was removed: the server is the sender, goes on with others, and has none that may be it."""
        named = bool(self.external) and set(self.external) <= set(claim.labels)
        gone = dict(claim.labels).get("alertname", "") not in self.names and claim.query not in self.queries
        return named and bool(claim.query) and gone and self.evaluated_at > claim.said_at

    def waits(self, claim: Claim) -> bool:  # noqa: ARG002
        """Nothing follows for what is not there."""
        return False


@dataclass(frozen=True, slots=True)
class Ruling:
    """A rule, what its expression *need*s, and which *series* of that were there; None where nobody knows.

    *external* are the labels that its server adds to what it sends.
    """

    rule: WatchedRule
    need: Need | None = field(default_factory=All)
    series: Series | None = field(default_factory=dict)
    external: Labels = ()
    _held: LabelSets = field(init=False, compare=False, repr=False)
    _pending: LabelSets = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_held", LabelSets(self.rule.alerts))
        object.__setattr__(self, "_pending", LabelSets(self.rule.pending))

    def ends(self, claim: Claim) -> bool:
        """Whether the alert of *claim* is over by this rule.

        One that has it pending has not let go of it: after a restart Prometheus begins `for` anew.
        """
        if not concerns(self.rule, claim) or self._held.within(claim.labels):
            return False
        if self.need is None or self.series is None or not self.need.there(claim.labels, self.series):
            return False
        known = {*_ADDED, *(name for name, _ in self.rule.labels), *self.rule.templated}
        known |= carried(self.need, self.series)
        rest = {(name, value) for name, value in claim.labels if name not in known and name not in self.rule.query}
        return rest <= set(self.external)

    def waits(self, claim: Claim) -> bool:
        """Whether the sender of *claim* says nothing because this rule begins `for` anew, as after a restart."""
        return concerns(self.rule, claim) and bool(self._pending.within(claim.labels))


def concerns(rule: WatchedRule, claim: Claim) -> bool:
    """Whether *claim* may be of *rule*, which was evaluated well since."""
    mine = set(claim.labels)
    if ("alertname", rule.name) not in mine or not set(rule.labels) <= mine:
        return False
    return rule.healthy and rule.evaluated_at is not None and rule.evaluated_at > claim.said_at


def rulings(source: RuleSource, silent: Collection[Claim], turn: int = 0) -> tuple[Evidence, ...]:
    """Ask *source* for its rules, and for the series of those that are of *silent* alerts and have none of them.

    They are asked for from number *turn* on, so that each has its turn where there are more than MOST. Raises
    SourceError where it does not tell its rules.
    """
    names: dict[str, list[Claim]] = {}
    for claim in silent:
        names.setdefault(dict(claim.labels).get("alertname", ""), []).append(claim)
    there = source.alerting_rules()
    rules = [rule for rule in there if any(concerns(rule, one) for one in names.get(rule.name, ()))]
    evaluated = [rule.evaluated_at for rule in there if rule.healthy and rule.evaluated_at is not None]
    unknown = bool(evaluated) and not names.keys() <= {rule.name for rule in there}
    if not rules and not unknown:
        return ()
    external = source.external_labels()
    every = frozenset(rule.name for rule in there), frozenset(rule.query for rule in there)
    roster = (Roster(*every, max(evaluated), external),) if unknown and external else ()
    if not rules:
        return roster
    first = turn * (MOST // 2) % len(rules)
    return (*roster, *_asked(source, [*rules[first:], *rules[:first]], external))


def _asked(source: RuleSource, rules: Sequence[WatchedRule], external: Labels) -> list[Ruling]:
    found: list[Ruling] = []
    left = MOST
    for rule in rules:
        need = read(rule.query).need
        texts = () if need is None else selectors(need)
        left -= len(texts)
        if left < 0 or rule.evaluated_at is None:
            break
        try:
            answers = {text: source.instant(text, rule.evaluated_at - BEFORE) for text in texts}
        except SourceError:
            break
        if any(answer.partial for answer in answers.values()):
            continue
        series = {text: tuple({identity(row) for row in answer.rows}) for text, answer in answers.items()}
        found.append(Ruling(rule, need, series, external))
    return found

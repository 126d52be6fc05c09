"""Alerts about Tocsin itself: the metric source is down, some questions fail, a sender of alerts has fallen silent.

One for all rules that are blind by it, for nobody wants five hundred. And one for each page budget that is overspent,
and for each silence that is about to end, which go only where a route leads: nobody wants another page for that.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from tocsin.evaluate.memory import Memory
from tocsin.evaluate.model import Identity, Sample, Timing, Truth
from tocsin.evaluate.received import Heard
from tocsin.evaluate.rule import Rest, Rule, Seen, one
from tocsin.evaluate.sight import Sight
from tocsin.evaluate.state import OPEN
from tocsin.ports import Labels, SourceHealth, labels_of
from tocsin.units import Duration

BLIND_AFTER = 3
"""Looks in a row without an answer until people are told."""
SETTLED = Timing(Duration(5 * 60_000), Duration(0))
"""How long the source has to answer before silence counts against a sender that was away with it.

A Prometheus that is back scrapes and evaluates first, and what it says once it says again each minute.
"""


def _own(id_: str, name: str, severity: str, title: str, summary: str) -> Rule:
    labels = labels_of({"alertname": name, "service": "tocsin", "severity": severity, "ref": "source"})
    return Rule(id=id_, service="tocsin", severity=severity, title=title, summary=summary, labels=labels)


SOURCE = _own(
    "source",
    "MetricSourceDown",
    "critical",
    "the metric source does not answer",
    "no alert can fire or resolve until the metric source answers again; what fired keeps firing",
)
QUESTIONS = _own(
    "source:questions",
    "QuestionsFail",
    "warning",
    "some questions get no answer",
    "some rules are blind: the metric source answers, but not to their questions",
)
SENDERS = replace(
    _own(
        "source:senders",
        "AlertSenderSilent",
        "critical",
        "a sender of alerts has fallen silent",
        "alerts that it sent stay open, and none of its rules can fire until it sends again",
    ),
    timing=SETTLED,
)
PAGES = _own(
    "source:pages",
    "PageBudgetOverspent",
    "info",
    "a page budget is overspent",
    "more pages than are bearable; none was held back",
)
SILENCES = _own(
    "source:silences",
    "SilenceEnds",
    "info",
    "a silence is about to end",
    "what it mutes and still fires is told from then on, unless it is mended or the silence prolonged",
)
RULES = (SOURCE, QUESTIONS, SENDERS, PAGES, SILENCES)


def seen(rule: Rule, sight: Sight, memory: Memory) -> Seen:
    """What is known about a rule; those about the source itself follow from the look as a whole."""
    if rule is SOURCE:
        return one(_struck(rule, memory, sight.health.failures, sight.health.detail, ()))
    if rule is QUESTIONS:
        if not sight.health.ok:
            return one(Sample(Truth.UNKNOWN, reason=sight.health.detail))
        return one(_struck(rule, memory, sight.strikes, f"{len(sight.questions)} kinds of failure", sight.questions))
    if rule is SENDERS:
        return one(_silence(sight.heard, sight.health, sight.at))
    if rule is PAGES:
        return _overspent(sight.overspent)
    if rule is SILENCES:
        return _ending(sight.ending)
    return sight.seen.get(rule.id, Seen())


def _overspent(budgets: Mapping[str, tuple[float, str]]) -> Seen:
    """One alert for each budget."""
    rows = {
        labels_of({"page_budget": name}): Sample(Truth.TRUE, pages, words, (("pages", words),))
        for name, (pages, words) in budgets.items()
    }
    return Seen(rows, Rest(Sample(Truth.FALSE, reason="no more pages than are bearable")), complete=True)


def _ending(silences: Mapping[Labels, tuple[float, str]]) -> Seen:
    """One alert for each silence."""
    rows = {
        labels: Sample(Truth.TRUE, minutes, words, (("ends in", f"{minutes:.0f} min"),))
        for labels, (minutes, words) in silences.items()
    }
    over = "it has ended or was prolonged, or nothing fires any more that it mutes"
    return Seen(rows, Rest(Sample(Truth.FALSE, reason=over)), complete=True)


def _silence(heard: Heard, health: SourceHealth, now: datetime) -> Sample:
    """Whether alerts are blind because their sender is silent; the metric source may be it, and has an alert itself.

    At once where the source has answered since the last word, or for long; else what was away with it, or spoke while
    we were away ourselves, gets the time to speak again.
    """
    if not heard.silent:
        return Sample(Truth.FALSE, 0.0, "every sender of an open alert has spoken since")
    if not health.ok:
        return Sample(Truth.UNKNOWN, float(len(heard.silent)), health.detail)
    last = max(claim.said_at for claim in heard.silent)
    facts = tuple(("last heard of", url) for url in sorted({claim.url for claim in heard.silent if claim.url})[:3])
    reason = f"{len(heard.silent)} alerts were not told to be over, the last word was at {last:%Y-%m-%d %H:%M:%S} UTC"
    answering = health.since <= max(last, now - SETTLED.for_.timedelta)
    return Sample(Truth.TRUE, float(len(heard.silent)), reason, facts, at_once=answering)


def _struck(rule: Rule, memory: Memory, strikes: int, detail: str, questions: tuple[str, ...]) -> Sample:
    """True after some looks in a row that failed, or while one fails and the alert is open (after a restart)."""
    state = memory.alerts.get(Identity(rule.id))
    is_open = state is not None and state.phase in OPEN
    facts = tuple(("failure", text) for text in (questions[:5] or (detail,)))
    if strikes >= BLIND_AFTER or (strikes and is_open):
        return Sample(Truth.TRUE, float(strikes), detail, facts)
    return Sample(Truth.FALSE, float(strikes), "every question is answered again")

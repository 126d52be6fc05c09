"""Alerts made of alerts: which of them fire is given, one combination after the other.

Every part fails to fire once while all else would do, and an alert like each part but for one label fires all the time.
"""

from collections.abc import Iterator

from tocsin.plan import AlertingRule, Plan
from tocsin.plan.conditions import alert_labels
from tocsin.ports import Labels, labels_of
from tocsin.proofs.model import FIRING, Claim, Proof, Run, Unproved
from tocsin.proofs.selectors import written
from tocsin.proofs.slices import known_by
from tocsin.proofs.subjects import alert_of, severity_of
from tocsin.proofs.ticks import ticks
from tocsin.proofs.values import notation
from tocsin.spec import Composite, Part
from tocsin.units import Duration

_GRID = Duration.of(minutes=10)
"""Longer than Prometheus looks back, so that an alert ends with its last sample."""


def composite_proof(rule: AlertingRule, asked: Composite, file: str, planned: Plan) -> Proof | Unproved:
    """The proof of a composite alert, or why there is none."""
    alerts = [each for group in planned.groups for each in group.rules if isinstance(each, AlertingRule)]
    known: dict[str, Labels] = {}
    for part in asked.parts():
        wanted = set(alert_labels(part))
        found = next((each for each in alerts if wanted <= known_by(each)), None)
        if found is None:
            return Unproved(rule.ref, rule.source, "its alert", f"there is no alert {part.ref}")
        known[part.ref] = labels_of({**dict(found.labels), "alertname": found.alert, "alertstate": "firing"})
    hold = ticks(rule.for_, _GRID) + 1
    cases = [(frozenset[str](), False), *_cases(asked)]
    subject, severity = alert_of(rule), severity_of(rule)
    claims = [
        Claim(FIRING, subject, (number + 1) * hold - 1, holds, _words(firing), more=severity if holds else ())
        for number, (firing, holds) in enumerate(cases)
    ]
    series = {
        written("ALERTS", labels): notation([1 if ref in firing else None for firing, _ in cases for _ in range(hold)])
        for ref, labels in known.items()
    }
    for part in asked.parts():
        for label, _ in (*alert_labels(part), ("alertstate", "")):
            other = {**dict(known[part.ref]), label: "pending" if label == "alertstate" else "decoy"}
            series[written("ALERTS", labels_of(other))] = notation([1] * (hold * len(cases)))
    run = Run("one combination of alerts after the other", tuple(series.items()), tuple(claims))
    return Proof(rule.ref, rule.source, file, _GRID, (run,))


def _cases(asked: Composite) -> Iterator[tuple[frozenset[str], bool]]:
    """Parts that fire (by ref), and whether the whole does."""
    every, one = _refs(asked.all_of), _refs(asked.any_of[:1])
    yield every | one, True
    for part in asked.any_of[1:]:
        yield every | {part.ref}, True
    for part in asked.all_of:
        yield (every | one) - {part.ref}, False
    if asked.any_of:
        yield every, False
    for part in asked.none_of:
        yield every | one | {part.ref}, False


def _refs(parts: tuple[Part, ...]) -> frozenset[str]:
    return frozenset(part.ref for part in parts)


def _words(firing: frozenset[str]) -> str:
    return f"of its parts {', '.join(sorted(firing)) or 'nothing'} fires"

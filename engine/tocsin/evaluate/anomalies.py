"""Anomalies: what Prometheus recorded as the baseline is asked for, because raw series do not hold it.

This is the one kind of alert that needs the compiled rules in Prometheus. Where no score is recorded, because they are
not loaded or still learn, the alert is blind and says so.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import cast

from tocsin.evaluate.asking import Asker, Unanswered
from tocsin.evaluate.model import Sample, Truth
from tocsin.evaluate.rule import Rest, Seen, unknown
from tocsin.evaluate.words import number
from tocsin.plan.anomaly import AGREE, labels_of_baseline, learning
from tocsin.ports import Labels, Row, labels_of
from tocsin.promql import label_value
from tocsin.spec import AlertRule, Anomaly

_NAME, _SEASON = "__name__", "season"
MISSING = Rest(Sample(Truth.UNKNOWN, reason="its recorded baseline is missing"))


def question(alert: AlertRule) -> str:
    """Ask for all that is recorded about one anomaly."""
    labels = ",".join(f"{name}={label_value(value)}" for name, value in labels_of_baseline(alert))
    return f'{{__name__=~"anomaly:(value|expected|score)",{labels}}}'


@dataclass(frozen=True, slots=True)
class AnomalyQuestion:
    """Asks for one anomaly."""

    alert: AlertRule

    def ask(self, asker: Asker, *, opened: AbstractSet[Labels] | None = None) -> Seen:  # noqa: ARG002
        """Look once."""
        anomaly = cast("Anomaly", self.alert.condition)
        answer = asker.complete(question(self.alert))
        if isinstance(answer, Unanswered):
            return Seen({}, unknown(answer.reason))
        found = _by_instance(answer.rows)
        if not any(scores for scores, _ in found.values()):
            text = f"no baseline is recorded: the rules are not loaded, or still learn ({learning(anomaly)})"
            return Seen({(): Sample(Truth.UNKNOWN, reason=text)}, unknown(text))
        rows = {labels: _judge(anomaly, scores, named) for labels, (scores, named) in found.items()}
        return Seen(rows, MISSING, complete=True)


_Found = tuple[list[float], dict[str, float]]


def _by_instance(rows: Iterable[Row]) -> Mapping[Labels, _Found]:
    """The scores by season, and the value and what was expected, of each row of the series."""
    found: dict[Labels, _Found] = defaultdict(lambda: ([], {}))
    for row in rows:
        labels = dict(row.labels)
        name = labels.pop(_NAME, "")
        season = labels.pop(_SEASON, None)
        scores, named = found[labels_of(labels)]
        if season is not None:
            scores.append(row.value)
        else:
            named[name.removeprefix("anomaly:")] = row.value
    return found


def _judge(anomaly: Anomaly, scores: list[float], named: Mapping[str, float]) -> Sample:
    value, expected = named.get("value"), named.get("expected")
    if value is None or len(scores) < AGREE:
        return Sample(Truth.UNKNOWN, reason=f"only {len(scores)} of {AGREE} seasons are known")
    bound = float(anomaly.deviations)
    high, low = sum(score > bound for score in scores), sum(score < -bound for score in scores)
    facts = [("value", number(value))]
    facts += [("expected", number(expected))] if expected is not None else []
    nearest = sorted(scores, key=abs)[-AGREE]
    facts.append(("deviations", f"{number(abs(nearest))} (unusual from {number(bound)})"))
    votes = max(high if anomaly.direction != "below" else 0, low if anomaly.direction != "above" else 0)
    usual = f", {number(expected)} is usual now" if expected is not None else ""
    if votes >= AGREE:
        return Sample(Truth.TRUE, value, f"{number(value)}{usual}", tuple(facts))
    return Sample(Truth.FALSE, value, f"{number(value)} is not unusual", tuple(facts))

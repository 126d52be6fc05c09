"""Threshold alerts: every row of the answer is an instance, with its own evidence.

`value` with `above` or `below`, and an `expr` that compares something with a number, are asked without the
comparison. So a row within bounds says "false", and a row that is missing says nothing:

| the answer | what it means for an instance |
|---|---|
| a row beyond the bound (strictly) | true |
| a row within the bound | false |
| a row that is NaN | unknown |
| no row, although it was there | `on_missing`: unknown (keep, fire) or false (resolve) |
| no row at all, with `on_missing: fire` | one instance without labels is true, as for `absent()` |
| an error, a time-out | unknown |
| a partial answer | rows beyond `above` stay true (it may fire), everything else is unknown |

Any other `expr` returns only what is true, and so does a value that filters, as `count(up == 0)` does. A known
instance that is missing from such an answer counts as false only if the series that could have produced it are still
there (`witness`); otherwise `on_missing` decides. So a failed scrape, which ends its series, makes an alert blind and
does not resolve it.

An instance is identified by the labels of its row, without the metric's name. Of rows that differ in their name alone
one that is true decides, then one that nobody knows: it is over when all of them say so.
"""

import hashlib
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite, isnan

from tocsin.evaluate.asking import Asker, Unanswered
from tocsin.evaluate.expression import Comparison, Reading, read
from tocsin.evaluate.model import Sample, Timing, Truth
from tocsin.evaluate.renaming import means
from tocsin.evaluate.rule import Rest, Rule, Seen, plain, templates, unknown
from tocsin.evaluate.witness import identity, selectors
from tocsin.evaluate.words import number, span
from tocsin.plan.conditions import expression
from tocsin.ports import Answer, Labels, Row, labels_of
from tocsin.spec import AlertRule, Composite, LevelShift, Service, Threshold
from tocsin.template import misfits
from tocsin.units import literal

MISSING = {
    "keep": Sample(Truth.UNKNOWN, reason="its row is missing"),
    "resolve": Sample(Truth.FALSE, reason="its row is missing, which counts as resolved (on_missing: resolve)"),
}
"""What the absence of a row means, by `on_missing`."""
MISSING["fire"] = MISSING["keep"]
_NOTHING = Sample(Truth.TRUE, reason="it has no row at all, which counts as firing (on_missing: fire)")


def rule(service: Service, alert: AlertRule) -> Rule:
    """How the alert is called, routed and timed.

    Of what is written for Prometheus alone it shows what it can fill in: a text with other Go templates is left out.
    """
    labels = {**dict(service.labels), **dict(alert.labels)}
    labels |= {"alertname": alert.called, "service": alert.service, "severity": alert.severity, "ref": alert.ref}
    labels |= plain(alert.raw)
    texts = {name: text for name, text in alert.raw.annotations if not misfits(text)}
    summary = alert.summary or texts.get("summary", "")
    description = alert.description or texts.get("description", "") or texts.get("message", "")
    return Rule(
        id=alert.ref,
        service=alert.service,
        severity=alert.severity,
        title=f"{alert.name} on {alert.service}",
        summary=summary or description or f"{alert.name} on {alert.service}: {{{{ value }}}}",
        labels=labels_of(labels),
        timing=Timing(alert.for_, alert.keep_firing_for),
        notify=alert.notify,
        runbook=alert.runbook or _url(texts.get("runbook_url", "")) or service.runbook,
        asks=_fingerprint(alert),
        formerly=alert.formerly,
        means=means(alert),
        description=description if summary else "",
        templates=templates(alert.raw),
    )


def _url(text: str) -> str | None:
    """A link without templates."""
    return text if text.startswith(("http://", "https://")) and "{{" not in text else None


@dataclass(frozen=True, slots=True)
class AlertQuestion:
    """Asks for one threshold alert."""

    alert: AlertRule

    def ask(self, asker: Asker, *, opened: AbstractSet[Labels] | None = None) -> Seen:
        """Look once; the absence of *opened* instances (pending or firing; None: any) must be explained."""
        text, bounds = self.asked()
        if bounds:
            return self._compared(asker, text, bounds, opened)
        return self._returned(asker, text, read(text), opened)

    def asked(self) -> tuple[str, list[Comparison]]:
        """What every look asks, and the bounds that rows are compared with; without any, a row is a true condition."""
        condition = self.alert.condition
        if isinstance(condition, Threshold):
            bounds = (("<", condition.below), (">", condition.above))
            text = condition.value.text
            return text, [Comparison(text, op, float(b)) for op, b in bounds if b is not None]
        text = expression(self.alert, ())
        comparison = read(text).comparison
        return (text, []) if comparison is None else (comparison.value, [comparison])

    def _compared(self, asker: Asker, value: str, bounds: list[Comparison], opened: AbstractSet[Labels] | None) -> Seen:
        answer = asker.instant(value)
        if isinstance(answer, Unanswered):
            return Seen({}, unknown(answer.reason))
        rows: dict[Labels, Sample] = {}
        for row in answer.rows:
            same, seen = identity(row), self._judge(row, bounds, answer)
            rows[same] = max(rows.get(same, seen), seen, key=_weight)
        if answer.partial:
            return Seen(rows, unknown(_partial(answer)))
        if self.alert.on_missing == "fire" and () not in rows:
            # Like `absent(value)` in the compiled rule: one instance without labels for "there is no row at all".
            rows[()] = Sample(Truth.FALSE, reason="its rows are back") if rows else _NOTHING
        reading = read(value)
        return Seen(rows, self._absent(asker, reading if reading.drops else None, rows, opened), complete=True)

    def _judge(self, row: Row, bounds: list[Comparison], answer: Answer) -> Sample:
        if isnan(row.value):
            return Sample(Truth.UNKNOWN, reason="its value is NaN")
        facts = self._facts(row, bounds)
        for bound in bounds:
            if bound.holds(row.value):
                if answer.partial and bound.op not in {">", ">="}:
                    return Sample(Truth.UNKNOWN, reason=_partial(answer))
                return Sample(Truth.TRUE, row.value, f"{number(row.value)} {_text(bound)}", facts)
        if answer.partial:
            return Sample(Truth.UNKNOWN, reason=_partial(answer))
        kept = self._kept(row, facts)
        return Sample(Truth.FALSE, row.value, f"{number(row.value)} is no longer {_or(bounds)}", facts, kept)

    def _kept(self, row: Row, facts: tuple[tuple[str, str], ...]) -> Sample | None:
        """With hysteresis: an alert that fires stays while the value has not come back far enough."""
        condition = self.alert.condition
        if not isinstance(condition, Threshold) or condition.clear is None:
            return None
        end = Comparison("", "<" if condition.above is not None else ">", float(condition.clear))
        if end.holds(row.value):
            return None
        return Sample(Truth.TRUE, row.value, f"{number(row.value)} is not {_text(end)} yet", facts)

    def _facts(self, row: Row, bounds: list[Comparison]) -> tuple[tuple[str, str], ...]:
        facts = [("value", number(row.value))]
        if bounds:
            facts.append(("threshold", _or(bounds) + self._clears()))
        if self.alert.for_.milliseconds:
            facts.append(("for", span(self.alert.for_.timedelta)))
        return tuple(facts)

    def _clears(self) -> str:
        condition = self.alert.condition
        if not isinstance(condition, Threshold) or condition.clear is None:
            return ""
        return f", until {'<' if condition.above is not None else '>'} {literal(condition.clear)}"

    def _returned(self, asker: Asker, text: str, reading: Reading, opened: AbstractSet[Labels] | None) -> Seen:
        answer = asker.instant(text)
        if isinstance(answer, Unanswered):
            return Seen({}, unknown(answer.reason))
        rows: dict[Labels, Sample] = {}
        for row in answer.rows:
            # A row that an expression returns is a true condition, whatever its value, as for Prometheus.
            reason = f"the condition holds, value {number(row.value)}"
            rows[identity(row)] = Sample(Truth.TRUE, row.value, reason, self._facts(row, []))
        if answer.partial:
            return Seen(rows, unknown(_partial(answer)))
        return Seen(rows, self._absent(asker, reading, rows, opened), complete=True)

    def _absent(
        self, asker: Asker, reading: Reading | None, rows: Mapping[Labels, Sample], opened: AbstractSet[Labels] | None
    ) -> Rest:
        """Find out whether rows may be missing because their series are; without a *reading* they always may."""
        if reading is None or reading.need is None or (opened is not None and opened <= rows.keys()):
            return Rest(MISSING[self.alert.on_missing])
        series = {}
        for selector in selectors(reading.need):
            answer = asker.instant(selector)
            if isinstance(answer, Unanswered):
                return unknown(answer.reason)
            if answer.partial:
                return unknown(_partial(answer))
            series[selector] = tuple({identity(row) for row in answer.rows})
        return Rest(MISSING[self.alert.on_missing], reading.need, series)


def _fingerprint(alert: AlertRule) -> str:
    """The same for the same question, however it is spelt and whatever its answer is compared with."""
    condition = alert.condition
    if isinstance(condition, Composite):
        asks = ""  # its one instance has no labels, whatever it is made of
    elif isinstance(condition, LevelShift):
        asks = read(condition.series.text).asks
    elif isinstance(condition, Threshold):
        reading = read(condition.value.text)
        asks = reading.asks if reading.comparison is None else condition.value.text
    else:
        asks = read(expression(alert, ())).asks
    return hashlib.sha256(asks.encode()).hexdigest()[:16]


def _weight(sample: Sample) -> tuple[bool, bool, bool]:
    """Which of several rows of an instance counts."""
    return sample.truth is Truth.TRUE, sample.truth is Truth.UNKNOWN, sample.kept is not None


def _partial(answer: Answer) -> str:
    return "; ".join(("partial answer", *answer.warnings))


def _text(bound: Comparison) -> str:
    return f"{bound.op} {literal(Decimal(repr(bound.bound)))}" if isfinite(bound.bound) else f"{bound.op} {bound.bound}"


def _or(bounds: list[Comparison]) -> str:
    return " or ".join(_text(bound) for bound in bounds)

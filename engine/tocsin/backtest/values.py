"""An alert on values over a whole history: its expression is evaluated by the server once, over the range.

The evaluator's own question is then asked tick by tick, and what it asks is answered from the range. What only an open
alert asks (are its series still there?) goes to the server. Ticks at which every row is on the same side of its bounds
as before cannot change what is quiet, nor what fires, and are not asked. A level shift is asked at all of them: what
it asks for is read a day ahead.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from tocsin.backtest.ahead import Ahead
from tocsin.backtest.ticks import Ticks
from tocsin.evaluate import anomalies
from tocsin.evaluate.alerts import AlertQuestion
from tocsin.evaluate.asking import Asker
from tocsin.evaluate.expression import Comparison
from tocsin.evaluate.forecasts import ForecastQuestion
from tocsin.evaluate.level_shifts import LevelShiftQuestion
from tocsin.evaluate.questions import QUESTIONS, Question
from tocsin.evaluate.rule import Seen
from tocsin.ledger.arrays import Bools, Floats
from tocsin.plan.conditions import expression
from tocsin.ports import Answer, Labels, MetricSource, RangeAnswer, Row
from tocsin.spec import AlertRule, Anomaly, Threshold

_MISSING, _CALM, _TRUE, _NAN, _KEPT = range(5)


@dataclass(slots=True, eq=False)
class Table:
    """The rows of one expression over all ticks."""

    present: dict[Labels, Bools]
    values: dict[Labels, Floats]

    @classmethod
    def of(cls, answer: RangeAnswer, ticks: Ticks) -> "Table":
        """Put every point at its tick."""
        table = cls({}, {})
        for row in answer.rows:
            points = np.asarray(row.points, dtype=np.float64).reshape(-1, 2)
            places = np.rint((points[:, 0] - ticks.seconds[0]) / ticks.step.total_seconds()).astype(np.intp)
            present, values = np.zeros(len(ticks), dtype=np.bool_), np.zeros(len(ticks))
            present[places], values[places] = True, points[:, 1]
            table.present[row.labels], table.values[row.labels] = present, values
        return table

    def rows(self, number: int) -> tuple[Row, ...]:
        """Those of one tick."""
        return tuple(
            Row(labels, float(self.values[labels][number])) for labels, there in self.present.items() if there[number]
        )


@dataclass(slots=True, eq=False)
class AlertReplay:
    """One alert, tick by tick."""

    question: Question
    source: MetricSource
    ticks: Ticks
    text: str
    table: Table
    due: Bools

    @property
    def alert(self) -> AlertRule:
        """Whose it is."""
        return self.question.alert

    @property
    def compares(self) -> bool:
        """Whether there are rows also where nothing is wrong."""
        return compares(self.question)

    @property
    def first(self) -> datetime | None:
        """When there first was a row; of an expression that only returns what is wrong, nobody knows."""
        if not self.compares:
            return None
        there = [int(np.argmax(present)) for present in self.table.present.values() if present.any()]
        return self.ticks.at(min(there)) if there else None

    @classmethod
    def of(cls, alert: AlertRule, source: MetricSource, ticks: Ticks, read: Callable[[str], Table]) -> "AlertReplay":
        """Have the expression *read* over all ticks; raises SourceError where that is refused."""
        question = QUESTIONS[type(alert.condition)](alert)
        text, bounds = asked(question)
        table = read(text)
        if isinstance(question, LevelShiftQuestion):
            return cls(question, Ahead(source), ticks, text, table, np.ones(len(ticks), dtype=np.bool_))
        due = _due(alert, bounds, table, len(ticks))
        return cls(question, source, ticks, text, table, due)

    def ask(self, at: datetime, opened: Mapping[str, set[Labels]]) -> Mapping[str, Seen]:
        """What the question sees."""
        mine = opened.get(self.alert.ref, set())
        return {self.alert.ref: self.question.ask(Asker(self, at), opened=mine)}

    def instant(self, query: str, at: datetime) -> Answer:
        """Answer from the range, or let the server answer."""
        if query != self.text:
            return self.source.instant(query, at)
        return Answer(self.table.rows(round((at - self.ticks.start) / self.ticks.step)), at)

    def range(self, query: str, start: datetime, end: datetime, step: timedelta) -> RangeAnswer:
        """Let the server answer."""
        return self.source.range(query, start, end, step)

    def raw(self, selector: str, start: datetime, end: datetime) -> RangeAnswer:
        """Let the server answer."""
        return self.source.raw(selector, start, end)


def asked(question: Question) -> tuple[str, Sequence[Comparison]]:
    """What a question asks at every look, and what its rows are compared with; without a bound a row is true."""
    if isinstance(question, AlertQuestion):
        return question.asked()
    if isinstance(question, ForecastQuestion):
        return question.predicted().asked()
    if isinstance(question, LevelShiftQuestion):
        return question.levels.series, ()
    if isinstance(question.alert.condition, Anomaly):
        return anomalies.question(question.alert), ()
    return expression(question.alert, ()), ()


def compares(question: Question) -> bool:
    """Whether there are rows also where nothing is wrong."""
    return isinstance(question, LevelShiftQuestion) or bool(asked(question)[1])


def _due(alert: AlertRule, bounds: Sequence[Comparison], table: Table, count: int) -> Bools:
    codes = [_codes(alert, bounds, table.present[labels], table.values[labels]) for labels in table.present]
    due = np.zeros(count, dtype=np.bool_)
    due[:1] = True
    for code in codes:
        due[1:] |= np.diff(code) != 0
    return due


def _codes(alert: AlertRule, bounds: Sequence[Comparison], present: Bools, values: Floats) -> NDArray[np.int8]:
    beyond = np.zeros(len(values), dtype=np.bool_) if bounds else present.copy()
    for bound in bounds:
        beyond |= np.asarray(bound.holds(values))  # type: ignore[arg-type]
    code = np.where(beyond, _TRUE, _CALM)
    if isinstance(alert.condition, Threshold) and alert.condition.clear is not None:
        clear = float(alert.condition.clear)
        inside = values >= clear if alert.condition.above is not None else values <= clear
        code = np.where(~beyond & inside, _KEPT, code)
    code = np.where(np.isnan(values), _NAN, code)
    return np.where(present, code, _MISSING).astype(np.int8)

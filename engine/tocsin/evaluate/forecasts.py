"""Forecasts: the predicted value says yes or no, and only where it says yes, when it will happen is asked too.

The line is fitted to raw series, so nothing has to be recorded. A series with less than half of its history is
unknown where the line would fire, and one whose line stays within the bound is false, as any value within a bound.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import cast

from tocsin.evaluate.alerts import AlertQuestion
from tocsin.evaluate.asking import Asker, Unanswered
from tocsin.evaluate.model import Sample, Truth
from tocsin.evaluate.rule import Seen
from tocsin.evaluate.witness import identity
from tocsin.evaluate.words import number, span
from tocsin.plan.forecast import edge, when
from tocsin.ports import Labels
from tocsin.spec import AlertRule, Forecast, Threshold
from tocsin.spec.expression import PromQl

SHORT = Sample(Truth.UNKNOWN, reason="less than half of the history is there")


@dataclass(frozen=True, slots=True)
class ForecastQuestion:
    """Asks for one forecast."""

    alert: AlertRule

    def ask(self, asker: Asker, *, opened: AbstractSet[Labels] | None = None) -> Seen:
        """Look once."""
        forecast = cast("Forecast", self.alert.condition)
        seen = self.predicted().ask(asker, opened=opened)
        if not any(sample.truth is Truth.TRUE for sample in seen.rows.values()):
            return seen
        answer = asker.instant(when(forecast))
        if isinstance(answer, Unanswered):
            reason = answer.reason
            rows = {
                labels: Sample(Truth.UNKNOWN, reason=reason) if sample.truth is Truth.TRUE else sample
                for labels, sample in seen.rows.items()
            }
            return replace(seen, rows=rows)
        left = {identity(row): row.value for row in answer.rows}
        return replace(
            seen, rows={labels: _told(sample, left.get(labels), forecast) for labels, sample in seen.rows.items()}
        )

    def predicted(self) -> AlertQuestion:
        """The question whether the predicted value is beyond the bound."""
        forecast = cast("Forecast", self.alert.condition)
        threshold = Threshold(PromQl(edge(forecast), self.alert.span), forecast.above, forecast.below)
        return AlertQuestion(replace(self.alert, condition=threshold))


def _told(sample: Sample, seconds: float | None, forecast: Forecast) -> Sample:
    """A forecast that fires, with the time that is left."""
    if sample.truth is not Truth.TRUE:
        return sample
    if seconds is None:
        return SHORT
    soon = "now" if seconds <= 0 else f"in {span(timedelta(seconds=seconds))}"
    facts = (("predicted", f"{number(sample.value or 0.0)} in {forecast.within}"), ("reached", soon))
    reason = f"by the last {forecast.history} the bound is reached {soon}"
    return Sample(Truth.TRUE, seconds, reason, (*facts, *(pair for pair in sample.facts if pair[0] != "value")))

"""What makes an alert fire, one sentence for each kind of condition."""

from collections.abc import Iterable

from tocsin.plan import anomaly, forecast
from tocsin.spec import Absence, AlertRule, Anomaly, Composite, Forecast, LevelShift, Part, Threshold
from tocsin.units import literal


def sentence(alert: AlertRule) -> str:
    """When *alert* fires, in words."""
    condition = alert.condition
    if isinstance(condition, Threshold):
        return _threshold(condition)
    if isinstance(condition, Composite):
        return _composite(condition)
    if isinstance(condition, Absence):
        return f"absence: fires while {condition.series.text.strip()} is not there"
    if isinstance(condition, Forecast):
        return _forecast(condition)
    if isinstance(condition, Anomaly):
        return _anomaly(condition)
    if isinstance(condition, LevelShift):
        return _level_shift(condition)
    return "expression: each row that it returns is one alert"


def _threshold(condition: Threshold) -> str:
    side, bound = ("above", condition.above) if condition.above is not None else ("below", condition.below)
    text = f"threshold: fires {side} {literal(bound)}" if bound is not None else "threshold"
    if condition.clear is None:
        return text
    back = "below" if side == "above" else "above"
    return f"{text}; hysteresis: what fires stays until it is {back} {literal(condition.clear)}"


def _composite(condition: Composite) -> str:
    parts = [
        f"{word} {_names(some)} {verb}"
        for word, some, verb in (
            ("all of", condition.all_of, "fire"),
            ("at least one of", condition.any_of, "fires"),
            ("none of", condition.none_of, "fires"),
        )
        if some
    ]
    return f"composite: fires while {', and '.join(parts)}"


def _names(parts: Iterable[Part]) -> str:
    return ", ".join(part.ref for part in parts)


def _forecast(condition: Forecast) -> str:
    side, bound = ("above", condition.above) if condition.above is not None else ("below", condition.below)
    reached = f"will be {side} {literal(bound)}" if bound is not None else "will be beyond its bound"
    sure = f", with {literal(condition.confidence * 100)}% confidence" if condition.confidence is not None else ""
    return (
        f"forecast: fires if a line through the last {condition.history} says that it {reached} within "
        f"{condition.within}{sure}; it wants {forecast.least(condition)} values, one each {forecast.step_of(condition)}"
    )


def _anomaly(condition: Anomaly) -> str:
    side = {"above": "above", "below": "below"}.get(condition.direction, "above or below")
    return (
        f"anomaly: fires if it is {side} what the same time of earlier seasons of {condition.season} lets expect, by "
        f"more than {literal(condition.deviations)} times the usual difference and {literal(condition.margin * 100)}%; "
        f"silent until {anomaly.learning(condition)} are known"
    )


def _level_shift(condition: LevelShift) -> str:
    side = {"above": "above", "below": "below"}.get(condition.direction, "above or below")
    return (
        f"level shift: fires if the median of the last {condition.after} is {side} what was usual in the "
        f"{condition.history} before, by more than {literal(condition.deviations)} times what the medians of as long "
        f"stretches usually differ by, and by more than {literal(condition.margin * 100)}% of it; "
        f"silent until half of the history is known, and a new level is usual after half of it at the latest"
    )

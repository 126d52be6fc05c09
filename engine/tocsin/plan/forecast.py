"""Forecasts to PromQL: a least-squares line through the history, its uncertainty, and when it reaches the bound.

The line is fitted to values taken at even steps (a subquery), so that the spread of its residuals can be said in
PromQL: their variance is that of the values, less what the slope explains (`slope² · step² · (n² - 1) / 12`), with
n - 2 degrees of freedom. A single value *h* ahead then lies within

    prediction ± z · sd · sqrt(1 + 1/n + (h + (n - 1) · step / 2)² / Sxx),   Sxx = n · step² · (n² - 1) / 12

With a confidence of 95 % the alert waits until the bound is beyond the near edge of the one-sided band. Errors of
real series are not independent from minute to minute, so the true band is wider: see decision 0010.
"""

from statistics import NormalDist

from tocsin.promql import tidy
from tocsin.spec import Forecast
from tocsin.units import Duration, literal
from tocsin.windows import decimal_literal

POINTS = 120
"""Values that the line is fitted to; more of them cost time and say little new."""
_MINUTE = 60_000


def step_of(forecast: Forecast) -> Duration:
    """Time between two values: whole minutes."""
    return Duration(max(1, -(-forecast.history.milliseconds // (POINTS * _MINUTE))) * _MINUTE)


def least(forecast: Forecast) -> int:
    """How many values there have to be: half of the history."""
    return max(3, forecast.history.milliseconds // step_of(forecast).milliseconds // 2)


def expression(forecast: Forecast) -> str:
    """The alert's condition; its value is the time (in seconds) until the bound is reached."""
    return f"{when(forecast)}\nand\n(\n  {edge(forecast)}\n  {_sign(forecast)} {_bound(forecast)}\n)"


def when(forecast: Forecast) -> str:
    """Seconds until the line reaches the bound, 0 where it is beyond; nothing where the history is too short."""
    window, bound = _window(forecast), _bound(forecast)
    clamp = "clamp_min" if forecast.above is not None else "clamp_max"
    return (
        f"(\n"
        f"  {clamp}({bound} - predict_linear({window}, 0), 0) / deriv({window}) >= 0\n"
        f"  or predict_linear({window}, 0) * 0\n"
        f")\n"
        f"and count_over_time({window}) >= {least(forecast)}"
    )


def edge(forecast: Forecast) -> str:
    """The value predicted at the horizon; with a confidence, the edge of its band that is nearer to now's values."""
    window, ahead = _window(forecast), _seconds(forecast.within)
    line = f"predict_linear({window}, {ahead})"
    if forecast.confidence is None or (z := NormalDist().inv_cdf(float(forecast.confidence))) <= 0:
        return line
    step, n = _seconds(step_of(forecast)), f"count_over_time({window})"
    minus = "-" if forecast.above is not None else "+"
    return (
        f"{line}\n"
        f"  {minus} {z:.6f} * sqrt(\n"
        f"    clamp_min(stdvar_over_time({window}) - (deriv({window}) * {step}) ^ 2 * ({n} ^ 2 - 1) / 12, 0)\n"
        f"    * {n} / ({n} - 2)\n"
        f"    * (1 + 1 / {n} + ({ahead} + ({n} - 1) * {step} / 2) ^ 2 / ({n} * {step} ^ 2 * ({n} ^ 2 - 1) / 12))\n"
        f"  )"
    )


def in_words(forecast: Forecast) -> str:
    """What the alert says, for Prometheus to fill in."""
    side = "above" if forecast.above is not None else "below"
    sure = f", with {literal(forecast.confidence * 100)}% confidence" if forecast.confidence is not None else ""
    return (
        f"will be {side} {_bound(forecast)} in {{{{ $value | humanizeDuration }}}} if it goes on as in the last "
        f"{forecast.history}{sure}"
    )


def _window(forecast: Forecast) -> str:
    return f"({tidy(forecast.series.text)})[{forecast.history}:{step_of(forecast)}]"


def _bound(forecast: Forecast) -> str:
    bound = forecast.above if forecast.above is not None else forecast.below
    return literal(bound) if bound is not None else ""


def _sign(forecast: Forecast) -> str:
    return ">" if forecast.above is not None else "<"


def _seconds(length: Duration) -> str:
    return decimal_literal(length.seconds)

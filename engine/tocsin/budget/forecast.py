"""When a budget will be spent: within what is left of its period, or not at all.

A calendar budget starts anew when its period is over, so what lasts until then lasts. Old errors leave a rolling window
at times that are known, and what is spent from now on leaves after the window, as fast as it then is spent: what lasts
for a window lasts for ever.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import isfinite

from tocsin.budget.spending import Exact
from tocsin.units import Duration

_HOUR = Duration.of(hours=1)


def exhaustion(
    remaining: Exact | float,
    burn: Exact | float,
    period: Duration,
    *,
    horizon: Duration | None = None,
    leaving: Sequence[float] = (),
    step: Duration = _HOUR,
) -> Duration | None:
    """How long *remaining* (a fraction of the budget of a *period*) lasts at a constant burn rate.

    0 where nothing is left; None where it lasts for the *horizon*, which is the period unless a calendar says else.

    `remaining(t + h) = remaining(t) - spend(h) + roll-off(h)`, where the roll-off is what was spent in
    `(t - P, t - P + h]`: *leaving* holds it, as fractions of the budget, in slices of *step* with the oldest first.
    Within a slice it leaves evenly. Traffic is taken as even; where it is not, the budget itself grows and shrinks.

    10 % are left and 10 % are spent a day; after half a day an incident leaves that cost 30 %, and so 4 days are left.
    Without the roll-off it would be 1 day:

    >>> month = Duration.of(days=30)
    >>> str(exhaustion(0.1, 3, month, leaving=[0] * 11 + [0.3])), str(exhaustion(0.1, 3, month))
    ('4d', '1d')
    """
    horizon = period if horizon is None else horizon
    if step.milliseconds <= 0 or len(leaving) * step.milliseconds > horizon.milliseconds:
        raise ValueError(f"{len(leaving)} slices of {step} do not fit in {horizon}")
    if remaining <= 0:
        return Duration(0)
    if not (isfinite(remaining) and isfinite(burn)) or burn <= 0:
        return None
    straight: float | Fraction
    if isinstance(remaining, float) and isinstance(burn, float):  # what is not exact need not be divided exactly
        straight = remaining / burn * period.milliseconds
    else:
        straight = Fraction(remaining) / Fraction(burn) * period.milliseconds
    if straight >= horizon.milliseconds + 0.5:  # what leaves can but postpone the end
        return None
    if not leaving:
        return Duration(round(straight))
    pace = float(burn) * step.milliseconds / period.milliseconds
    lasts = _followed(float(remaining), pace, leaving) * step.milliseconds
    return Duration(round(lasts)) if lasts < horizon.milliseconds + 0.5 else None


def _followed(remaining: float, pace: float, leaving: Sequence[float]) -> float:
    """After how many slices nothing is left, where each spends *pace*."""
    left, left_off = remaining, 0.0
    for number, back in enumerate(leaving):
        left_off += back
        after = remaining - pace * (number + 1) + left_off
        if after <= 0:
            return number + left / (left - after)
        left = after
    return len(leaving) + left / pace

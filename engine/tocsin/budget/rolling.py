"""When a rolling budget is spent: old errors leave its window, and that part of the future is known."""

from collections.abc import Sequence
from math import isfinite

from tocsin.units import Duration


def exhaustion_with_roll_off(
    remaining: float, burn: float, period: Duration, leaving: Sequence[float], step: Duration
) -> Duration | None:
    """How long *remaining* (a fraction of the budget) lasts at a constant burn rate; None: for ever.

    `remaining(t + h) = remaining(t) - spend(h) + roll-off(h)`, where the roll-off is what was spent in
    `(t - P, t - P + h]`: *leaving* holds it, as fractions of the budget, in slices of *step* with the oldest first.
    Within a slice it leaves evenly. What is spent from now on leaves after *period*, as fast as it then is spent: what
    lasts until then lasts for ever. Traffic is taken as even; where it is not, the budget itself grows and shrinks.

    10 % are left and 10 % are spent a day; after half a day an incident leaves that cost 30 %, and so 4 days are left.
    Without the roll-off it would be 1 day:

    >>> month, hour = Duration.of(days=30), Duration.of(hours=1)
    >>> str(exhaustion_with_roll_off(0.1, 3, month, [0] * 11 + [0.3], hour))
    '4d'
    >>> str(exhaustion_with_roll_off(0.1, 3, month, [], hour))
    '1d'
    """
    if step.milliseconds <= 0 or len(leaving) * step.milliseconds > period.milliseconds:
        raise ValueError(f"{len(leaving)} slices of {step} do not fit in {period}")
    if not (isfinite(remaining) and isfinite(burn)):
        return None
    if remaining <= 0:
        return Duration(0)
    pace = burn * step.milliseconds / period.milliseconds
    left, spent, left_off = remaining, 0.0, 0.0
    for number, back in enumerate(leaving):
        spent, left_off = pace * (number + 1), left_off + back
        after = remaining - spent + left_off
        if after <= 0:
            return Duration(round((number + left / (left - after)) * step.milliseconds))
        left = after
    if pace <= 0:
        return None
    lasts = (len(leaving) + left / pace) * step.milliseconds
    return Duration(round(lasts)) if lasts < period.milliseconds + 0.5 else None

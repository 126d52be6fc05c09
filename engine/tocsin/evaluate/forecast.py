"""When a budget will be spent: that of slices, and the words of messages for any."""

from collections.abc import Sequence

from tocsin.budget import budget_ratio, exhaustion
from tocsin.evaluate.words import span, times
from tocsin.spec import JourneySlo
from tocsin.units import Duration


def told(remaining: float, burn: float, lasts: Duration | None, over: str) -> tuple[str, str]:
    """A line of a message: how long what remains *lasts* at burn rate *burn*, if it is spent within *over*.

    >>> told(0.4, 2, Duration.of(days=6), "30d"), told(-0.1, 2, Duration(0), "30d")
    (('budget exhausted in', '6d at 2x'), ('budget exhausted', 'yes'))
    >>> told(0.4, 0.2, None, "30d")
    ('budget exhausted', 'not within 30d at 0.2x')
    """
    if remaining <= 0:
        return "budget exhausted", "yes"
    if lasts is None:
        return "budget exhausted", f"not within {over} at {times(burn)}"
    return "budget exhausted in", f"{span(lasts.timedelta)} at {times(burn)}"


def of_slices(slo: JourneySlo, values: Sequence[float | None], remaining: float, burn: float) -> Duration | None:
    """How long *remaining* lasts at burn rate *burn* in a journey; *values* are the newest good ratios of its window.

    Its budget is that of the slices that count. So one that leaves gives back what was bad in it, and one that counted
    nothing, or was before the journey, makes room for one that counts.
    """
    budget, count = float(budget_ratio(slo.target)), sum(value is not None for value in values)
    before = slo.window.milliseconds // slo.slice.milliseconds - len(values)
    leaving = [1 / count if value is None else (1 - value) / budget / count for value in (*(None,) * before, *values)]
    whole = Duration(count * slo.slice.milliseconds)
    return exhaustion(remaining, burn, whole, horizon=slo.window, leaving=leaving, step=slo.slice)

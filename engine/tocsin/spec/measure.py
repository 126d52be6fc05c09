"""How the uptime of a contract is measured: the method, its settings, and its words.

A method is arithmetic in `evaluate/measures/`; here is what has to be known of it before anything is measured: which
settings it reads, and how it is told to people.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from tocsin.spec.service import PromQl
from tocsin.units import Duration, literal

FIVE_MINUTES, MINUTE = Duration.of(minutes=5), Duration.of(minutes=1)


@dataclass(frozen=True, slots=True)
class Measure:
    """How uptime is measured; *empty* says whether intervals without events count as good, bad or not (`ignore`).

    *errors_above*: a minute is down where its error ratio is strictly above; None where all attempts have to fail.
    *at_least* is the least length of a downtime period, *deployed* tells in which minutes there was a service.
    *minimum_events*: with fewer in the whole period there is neither breach nor credit.
    """

    method: str
    interval: Duration
    empty: str
    errors_above: Decimal | None = None
    at_least: Duration | None = None
    partial_minute: str = "continuous"
    deployed: PromQl | None = None
    minimum_events: int = 0

    @property
    def words(self) -> str:
        """How it is measured, as a sentence without its full stop."""
        return METHODS[self.method].words(self)

    @property
    def by_minute(self) -> bool:
        """Whether a stretch of time is up or down as a whole, whatever part of its events was bad."""
        return METHODS[self.method].by_minute


@dataclass(frozen=True, slots=True)
class Method:
    """What is known of a method: the settings beyond the common ones that it reads, and how to tell it."""

    words: Callable[[Measure], str]
    settings: frozenset[str] = frozenset()
    interval: Duration = MINUTE
    by_minute: bool = True


def _mean(measure: Measure) -> str:
    return f"the mean over intervals of {measure.interval} of the good ratio in each{_rest(measure)}"


def _minutes(measure: Measure) -> str:
    return f"minutes that are not down; {_down(measure)}{_rest(measure)}"


def _periods(measure: Measure) -> str:
    least = measure.at_least or MINUTE
    return (
        f"minutes that are not in a downtime period, which is at least {least} of minutes that are down; "
        f"{_down(measure)}{_rest(measure)}"
    )


def _deployed(measure: Measure) -> str:
    told = f"`{measure.deployed.text}` has a value other than 0" if measure.deployed else "its events are counted"
    return (
        f"minutes that are not down, of those in which the service was deployed ({told}); "
        f"{_down(measure)}{_rest(measure)}"
    )


def _down(measure: Measure) -> str:
    if measure.errors_above is None:
        rule = "a minute is down where all attempts fail"
    else:
        rule = f"a minute is down where more than {literal(measure.errors_above * 100)}% of its events are bad"
    if measure.interval >= MINUTE:
        return rule
    partial = {
        "continuous": "of a minute that is partly down the parts that are count",
        "up": "a minute that is partly down counts as up",
        "down": "a minute that is partly down counts as down",
    }[measure.partial_minute]
    return f"{rule}, looked at every {measure.interval}; {partial}"


def _rest(measure: Measure) -> str:
    one = "minute" if measure.by_minute else "interval"
    empty = {"good": "counts as good", "bad": "counts as bad", "ignore": "does not count"}[measure.empty]
    enough = f"; below {measure.minimum_events} events nothing is owed" if measure.minimum_events else ""
    return f"; a{'n' if one == 'interval' else ''} {one} without events {empty}{enough}"


METHODS: Mapping[str, Method] = {
    "interval-mean": Method(_mean, interval=FIVE_MINUTES, by_minute=False),
    "minutes": Method(_minutes, frozenset({"errors_above", "partial_minute"})),
    "downtime-periods": Method(_periods, frozenset({"errors_above", "partial_minute", "at_least"})),
    "deployed-minutes": Method(_deployed, frozenset({"errors_above", "partial_minute", "deployed"})),
}
"""By name, in the order of the schema."""

"""In which minutes a service was deployed, asked for like the events of an SLO."""

from dataclasses import dataclass
from typing import ClassVar

from tocsin.units import Duration

LOOKBACK = Duration.of(minutes=5)
"""So far an instant selector looks back."""


@dataclass(frozen=True, slots=True)
class PresenceSli:
    """One good event in each slice at whose end the expression has a value other than 0, and none in any other."""

    kind: ClassVar[str] = "presence"

    expression: str
    by: tuple[str, ...] = ()

    def bad(self, window: str, function: str = "rate", total: str | None = None) -> str:
        """None."""
        return f"0 * ({total or self.total(window, function)})"

    def total(self, window: str, function: str = "rate") -> str:  # noqa: ARG002  # an SLI's words
        """One where it is there, whatever the window; a comment at the end of the text ends with its line.

        Not `^ 0`: to VictoriaMetrics what is not there to the power of 0 is 1. And there a selector looks back for as
        long as the step of a range is, so in long slices it is the last full minute that is asked for.
        """
        then = f"(\n{self.expression}\n)"
        if Duration.parse(window) > LOOKBACK:
            then = f"last_over_time({then}[59999ms:1m])"
        return f"count({then} != 0) > bool 0"

    def mean(self, window: str) -> str | None:  # noqa: ARG002
        """Nothing is measured."""
        return None

    def now(self) -> tuple[str, str] | None:
        """Nothing is looked at again and again."""
        return None

    def counters(self) -> None:
        """It is there or not, at an instant."""

    def lacks(self) -> str:
        """Nothing: it is there or not."""
        return ""


@dataclass(frozen=True, slots=True)
class Presence:
    """What is asked for in the place of an SLO."""

    ref: str
    sli: PresenceSli

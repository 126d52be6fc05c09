"""Raw: an expression that is an error ratio (or a success ratio) already."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from tocsin.promql import is_windowed, summed, tidy, with_window
from tocsin.sli.base import Counters, Given
from tocsin.sli.query import Form, sampled
from tocsin.units import Duration

_FORMS = (Form.INSTANT, Form.WINDOWED)


@dataclass(frozen=True, slots=True)
class RawSli:
    """A ratio between 0 and 1; exactly one of *error_ratio* and *success_ratio* is given.

    How many events are behind it nobody knows, so every second weighs the same: an event is a second (with `$window`)
    or a sample (without it). Rows are averaged. NaN (0/0) and what is below 0 is no row: nothing is known then.
    """

    kind: ClassVar[str] = "raw"
    keys: ClassVar[Mapping[str, tuple[Form, ...]]] = {"error_ratio": _FORMS, "success_ratio": _FORMS}

    error_ratio: str | None = None
    success_ratio: str | None = None
    by: tuple[str, ...] = ()

    @classmethod
    def read(cls, given: Given) -> Self | None:
        """Read the one ratio."""
        keys = [key for key in cls.keys if key in given]
        if len(keys) != 1:
            seen = "has both" if keys else "has neither"
            message = f"a raw ratio is an error_ratio or a success_ratio, this one {seen}"
            given.report("sli/events", message, "keep one" if keys else "add one", span=given.key_span)
            return None
        text = given[keys[0]].promql()
        if text is None:
            return None
        return cls(error_ratio=text.text) if keys == ["error_ratio"] else cls(success_ratio=text.text)

    def bad(self, window: str, function: str = "rate", total: str | None = None) -> str:  # noqa: ARG002
        """The error ratio, of every second in *window*."""
        if (now := self.now()) is not None:
            return sampled(now[0], window, function)
        return self._errors(window) + _times(window, function)

    def total(self, window: str, function: str = "rate") -> str:
        """Every second in *window*, where there is a ratio."""
        if (now := self.now()) is not None:
            return sampled(now[1], window, function)
        return summed(self._known(window), self.by, "group") + _times(window, function)

    def mean(self, _window: str) -> str | None:
        """A ratio is no time."""
        return None

    def now(self) -> tuple[str, str] | None:
        """The ratio now, of one sample; None where the text has a window of its own."""
        if is_windowed(self._text):
            return None
        return self._errors(), summed(self._known(), self.by, "group")

    def counters(self) -> Counters | None:
        """How many events are behind a ratio nobody knows."""
        return None

    def lacks(self) -> str:
        """Both sides come from the same rows."""
        return ""

    @property
    def _text(self) -> str:
        return self.error_ratio or self.success_ratio or ""

    def _known(self, window: str = "") -> str:
        return f"({with_window(tidy(self._text), window)}) >= 0"

    def _errors(self, window: str = "") -> str:
        ratio = summed(self._known(window), self.by, "avg")
        return f"clamp_max({ratio}, 1)" if self.error_ratio is not None else f"clamp_min(1 - {ratio}, 0)"


def _times(window: str, function: str) -> str:
    return f" * {Duration.parse(window).milliseconds // 1000}" if function == "increase" else ""

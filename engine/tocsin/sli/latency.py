"""Latency: a histogram; an event is good if it took no longer than a limit."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from tocsin.promql import metric_name, over, renamed, summed, with_matcher
from tocsin.sli.base import Counters, Given
from tocsin.sli.newborn import countable
from tocsin.sli.query import Form
from tocsin.units import literal

_OF_A_HISTOGRAM = ("_bucket", "_count", "_sum")


@dataclass(frozen=True, slots=True)
class LatencySli:
    """Events of *histogram* (its base name, without `_bucket`) that took longer than *within* seconds are bad.

    In a classic histogram *within* must be the bound of a bucket. Where that bucket does not exist there is no bad
    series at all: unknown, rather than a page that says everything is slow. A *native* histogram has one series under
    its own name and answers for any limit, by interpolation inside a bucket.
    """

    kind: ClassVar[str] = "latency"
    keys: ClassVar[Mapping[str, tuple[Form, ...]]] = {"histogram": (Form.SELECTOR,)}

    histogram: str
    within: Decimal
    by: tuple[str, ...] = ()
    native: bool = False

    @classmethod
    def read(cls, given: Given) -> Self | None:
        """Read the histogram by its base name, and the limit."""
        histogram, within = given["histogram"].promql(), given["within"].duration_or_none()
        if histogram is None or within is None:
            return None
        name = metric_name(histogram.text)
        if suffix := next((suffix for suffix in _OF_A_HISTOGRAM if name.endswith(suffix)), None):
            message = f"{name} is one of the series of a histogram; the histogram is named by its base name"
            given["histogram"].report("sli/histogram", message, f"write {name.removesuffix(suffix)}")
            return None
        seconds = Decimal(within.milliseconds) / 1000
        return cls(histogram.text, seconds, native=given["native"].flag(default=False))

    def bad(self, window: str, function: str = "rate", total: str | None = None) -> str:
        """Events above the limit; never below 0, although count and bucket are scraped one after the other."""
        total = total or self.total(window, function)
        if self.native:
            good = f"histogram_fraction(-Inf, {literal(self.within)}, {self._observed(window, function)})"
            return f"clamp_min({total} * (1 - {good}), 0)"
        good = summed(f"{function}({over(self._bucket(), window)})", self.by)
        return f"clamp_min({total} - {good}, 0)"

    def total(self, window: str, function: str = "rate") -> str:
        """All events over *window*."""
        if self.native:
            return f"histogram_count({self._observed(window, function)})"
        return summed(f"{function}({over(renamed(self.histogram, '_count'), window)})", self.by)

    def mean(self, window: str) -> str | None:
        """The sum of all observations over their number."""
        if self.native:
            return f"histogram_sum({self._observed(window)}) / {self.total(window)}"
        took = over(renamed(self.histogram, "_sum"), window)
        return f"{summed(f'rate({took})', self.by)} / {self.total(window)}"

    def now(self) -> tuple[str, str] | None:
        """Events are counted, not looked at."""
        return None

    def counters(self) -> Counters | None:
        """The count of a classic histogram and its bucket, without which nothing is known."""
        total = renamed(self.histogram, "_count")
        if self.native or not countable(self.histogram, total):
            return None
        return Counters(total, self._bucket(), good=True, needed=True)

    def lacks(self) -> str:
        """A bucket may not exist."""
        bucket = f'{renamed(metric_name(self.histogram), "_bucket")}{{le="{literal(self.within)}"}}'
        return "" if self.native else f"the bucket {bucket}"

    def _bucket(self) -> str:
        return with_matcher(renamed(self.histogram, "_bucket"), le_matcher(self.within))

    def _observed(self, window: str, function: str = "rate") -> str:
        return summed(f"{function}({over(self.histogram, window)})", self.by)


def le_matcher(bound: Decimal) -> str:
    r"""Match a bucket's bound as every client library and Prometheus version spells it.

    Prometheus 2 keeps what the client wrote (Go `1`, Python `1.0`); Prometheus 3 stores whole numbers with `.0`.
    Large and small bounds may be in Go's exponent form.

    >>> le_matcher(Decimal("0.5")), le_matcher(Decimal(1))
    ('le="0.5"', 'le=~"1|1\\\\.0"')
    """
    plain = literal(bound)
    spellings = [plain]
    if "." not in plain:
        spellings.append(f"{plain}.0")
    if bound and not Decimal("1e-4") <= abs(bound) < Decimal("1e6"):
        mantissa, exponent = f"{bound.normalize():e}".split("e")
        spellings.append(f"{mantissa}e{int(exponent):+03d}")
    if len(spellings) == 1:
        return f'le="{plain}"'
    return 'le=~"' + "|".join(s.replace(".", r"\\.").replace("+", r"\\+") for s in spellings) + '"'

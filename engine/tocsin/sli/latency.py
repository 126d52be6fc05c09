"""Latency: a classic histogram; an event is good if it took no longer than one of its buckets says."""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from tocsin.promql import over, renamed, summed, with_matcher
from tocsin.units import literal


@dataclass(frozen=True, slots=True)
class LatencySli:
    """Events of *histogram* (its base name, without `_bucket`) that took longer than *within* seconds are bad.

    *within* must be the bound of a bucket. Where that bucket does not exist there is no bad series at all: unknown,
    rather than a page that says everything is slow.
    """

    kind: ClassVar[str] = "latency"
    keys: ClassVar[tuple[str, ...]] = ("histogram",)

    histogram: str
    within: Decimal
    by: tuple[str, ...] = ()

    def bad(self, window: str, function: str = "rate", total: str | None = None) -> str:
        """Events above the bucket's bound; never below 0, although count and bucket are scraped one after the other."""
        bucket = with_matcher(renamed(self.histogram, "_bucket"), le_matcher(self.within))
        good = summed(f"{function}({over(bucket, window)})", self.by)
        return f"clamp_min({total or self.total(window, function)} - {good}, 0)"

    def total(self, window: str, function: str = "rate") -> str:
        """All events over *window*."""
        return summed(f"{function}({over(renamed(self.histogram, '_count'), window)})", self.by)

    def mean(self, window: str) -> str | None:
        """The sum of all observations over their number."""
        took = over(renamed(self.histogram, "_sum"), window)
        return f"{summed(f'rate({took})', self.by)} / {self.total(window)}"

    def now(self) -> tuple[str, str] | None:
        """Events are counted, not looked at."""
        return None


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

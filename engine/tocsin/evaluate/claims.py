"""What senders of alerts said, and where that is kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tocsin.ports import Labels


@dataclass(frozen=True, slots=True)
class Claim:
    """What a sender said last of one alert, at *said_at*; *tells_end* says that it also tells when an alert ends."""

    labels: Labels
    annotations: Labels
    starts_at: datetime
    ends_at: datetime
    said_at: datetime
    tells_end: bool = False
    url: str = ""
    """Where the sender shows the alert (`generatorURL`)."""

    @property
    def ended(self) -> bool:
        """Whether its sender said that it is over."""
        return self.ends_at <= self.said_at

    def silent(self, now: datetime) -> bool:
        """Whether it fired, and its sender has stopped to say so without telling its end."""
        return not self.ended and self.ends_at <= now and self.tells_end


class ClaimStore(Protocol):
    """Durable claims by fingerprint; every method is one transaction and safe to call from several threads."""

    def all(self) -> tuple[Claim, ...]:
        """Everything that is remembered."""
        ...

    def put(self, claims: Mapping[str, Claim]) -> None:
        """Add or replace."""
        ...

    def forget(self, fingerprints: Iterable[str]) -> None:
        """Remove."""
        ...


def fingerprint(labels: Labels) -> str:
    """Alertmanager's name of a label set: FNV-1a of 64 bits over sorted names and values, each ended by a byte 255.

    https://github.com/prometheus/common/blob/main/model/signature.go

    >>> fingerprint((("alertname", "HighCpu"),))
    '9ea0ef6b3b106f08'
    """
    value = 0xCBF29CE484222325
    for text in (part for pair in sorted(labels) for part in pair):
        for byte in (*text.encode(), 255):
            value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"

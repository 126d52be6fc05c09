"""What senders of alerts said, and where that is kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from tocsin.ports import Labels

AHEAD = timedelta(seconds=15)
"""How far a sender's clock may be ahead of ours, and an end that it tells still is one."""
PART_AHEAD = 16
"""And at most so small a part of what an alert of it lasts, by which an end differs from a word that it fires."""
LASTING = timedelta(minutes=5)
"""How long a word holds whose sender's clock is far behind ours: Alertmanager's `resolve_timeout`."""


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
    others: tuple[tuple[str, datetime], ...] = ()
    """Further senders that say that it fires, by their url, and until when: replicas with the same rules."""
    query: str = ""
    """The expression of its rule, where its url tells it."""
    told_end: datetime | None = None
    """Its end by its sender's clock, where that is far behind ours."""

    @property
    def ended(self) -> bool:
        """Whether its sender said that it is over."""
        return self.ends_at <= self.said_at

    def silent(self, now: datetime) -> bool:
        """Whether it fired, and its sender has stopped to say so without telling its end."""
        return not self.ended and self.ends_at <= now and self.tells_end


def later(known: Claim | None, claim: Claim) -> Claim:
    """What is claimed after the word *claim*, with what was *known* before it.

    An alert of several senders is over when each of those that said it fires has told its end, or has fallen silent
    since: one of a pair of Prometheus servers whose scrapes fail tells an end of what still fires. An end without a
    url is a person's, and is one for all.
    """
    if known is not None and _told_behind(known, claim):
        claim = replace(claim, ends_at=claim.said_at + LASTING, told_end=claim.ends_at)
    if known is None or known.ended:
        return claim
    word = replace(
        claim,
        starts_at=min(known.starts_at, claim.starts_at),
        ends_at=claim.said_at if _told_ahead(known, claim) else claim.ends_at,
        tells_end=known.tells_end or claim.tells_end,
        url=claim.url or known.url,
    )
    said = [(url, until) for url, until in ((known.url, known.ends_at), *known.others) if until > word.said_at]
    others = tuple((url, until) for url, until in said if _sender(url) != _sender(claim.url))
    if not word.ended or not others or not claim.url:
        return replace(word, others=() if word.ended else others)
    (url, until), *rest = others
    return replace(known, url=url, ends_at=until, others=tuple(rest))


def _told_ahead(known: Claim, word: Claim) -> bool:
    """Whether *word* tells an end by a clock that is ahead of ours: who says that it fires gives it far more time."""
    lasting = known.ends_at - known.said_at
    return word.tells_end and timedelta() < word.ends_at - word.said_at <= min(AHEAD, lasting / PART_AHEAD)


def _told_behind(known: Claim, word: Claim) -> bool:
    """Whether *word* says that it fires, by a clock that is far behind ours.

    Who says so puts the end off each time. An end stays what it is: of one that comes after a long silence, and so late
    that it may be no end, the next word tells.
    """
    same = bool(word.url) and _sender(word.url) == _sender(known.url)
    return (
        same
        and word.tells_end
        and word.said_at - word.ends_at > AHEAD
        and word.ends_at > (known.told_end or known.ends_at)
    )


def _sender(url: str) -> str:
    """Whose *url* it is: behind that follows which alert.

    >>> _sender("http://prometheus-0:9090/graph?g0.expr=up")
    'http://prometheus-0:9090/graph'
    """
    return url.partition("?")[0]


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

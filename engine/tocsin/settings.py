"""Flags and environment to frozen Settings, read once at start; everything wrong is said at once."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from tocsin.errors import MisuseError
from tocsin.units import Duration, UnitError

SHORTEST_INTERVAL = Duration.of(seconds=1)
LONGEST_INTERVAL = Duration.of(minutes=5)
"""Above this a series is stale in Prometheus (its look-back) before it is looked at twice."""

EVERY_MINUTE, LONGEST_BEAT = Duration.of(minutes=1), Duration.of(hours=1)

DRAIN = Duration.of(seconds=10)
"""What is not delivered by then stays in the outbox for the next start."""

_UNFIT = re.compile(r"""[\s<>"'|\\^`{}\x00-\x20\x7f]|[^\x21-\x7e]""")
"""What a URL has to write as %XX, or xn--."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/+")
_LISTEN = re.compile(r"(?:\[(?P<v6>[0-9a-fA-F:.%]+)\]|(?P<host>[^:\[\]/\s]*)):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the web server listens; port 0 takes a free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `HOST:PORT`; an empty host means every interface, IPv6 stands in brackets.

        >>> Listen.parse("127.0.0.1:0"), Listen.parse("[::1]:9911")
        (Listen(host='127.0.0.1', port=0), Listen(host='::1', port=9911))
        """
        match = _LISTEN.fullmatch(text.strip())
        if match is None or int(match["port"]) > 65535:
            raise UnitError(f"{text!r} is no listen address; write HOST:PORT, such as 127.0.0.1:9911 or [::1]:0")
        return cls(match["v6"] or match["host"] or "0.0.0.0", int(match["port"]))  # noqa: S104  (asked for by an empty host)

    def url(self) -> str:
        """The address as a browser takes it."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Settings:
    """What `tocsin serve` runs with; *interval* is the distance of two ticks, *drain* how long a stop may deliver."""

    paths: tuple[str, ...]
    prometheus: str
    state: str
    listen: Listen
    interval: Duration
    heartbeat: str = field(default="", repr=False)
    """What a watcher elsewhere expects to be requested; whoever knows it can pretend to be us."""
    beat_every: Duration = EVERY_MINUTE
    drain: Duration = DRAIN
    public_url: str = ""
    """Where people reach the page."""
    public_prometheus: str = ""
    """Where people reach the metric source."""

    @classmethod
    def parse(
        cls,
        *,
        paths: Iterable[str],
        prometheus: str | None,
        state: str,
        listen: str,
        interval: str,
        heartbeat: str | None = None,
        beat_every: str = "1m",
        public_url: str | None = None,
        public_prometheus: str | None = None,
    ) -> Self:
        """Check all values; raises MisuseError with every fault in one message."""
        faults: list[str] = []
        if not prometheus:
            faults.append("no metric source: give --prometheus URL or set TOCSIN_PROMETHEUS")
        elif fault := _url_fault(prometheus):
            faults.append(fault)
        if not state.strip():
            faults.append("--state is empty; give a file or a database URL")
        where = Listen("127.0.0.1", 0)
        try:
            where = Listen.parse(listen)
        except UnitError as error:
            faults.append(f"--listen: {error}")
        every = _up_to("--interval", interval, LONGEST_INTERVAL, faults)
        if heartbeat and not is_http_url(heartbeat):
            faults.append("--heartbeat is no http or https URL")
        pause = _up_to("--heartbeat-every", beat_every, LONGEST_BEAT, faults)
        page = _public("--public-url", public_url, faults)
        source = _public("--public-prometheus", public_prometheus, faults)
        if faults or prometheus is None:
            raise MisuseError("; ".join(faults))
        return cls(
            tuple(paths),
            prometheus.rstrip("/"),
            state,
            where,
            every,
            heartbeat or "",
            pause,
            public_url=page,
            public_prometheus=source,
        )


def _up_to(flag: str, text: str, longest: Duration, faults: list[str]) -> Duration:
    """A duration of one second to *longest*; what is wrong with it goes to *faults*."""
    try:
        value = Duration.parse(text)
    except UnitError as error:
        faults.append(f"{flag}: {error}")
        return longest
    if not SHORTEST_INTERVAL <= value <= longest:
        faults.append(f"{flag}: {value} is outside {SHORTEST_INTERVAL} to {longest}")
    return value


def _public(flag: str, url: str | None, faults: list[str]) -> str:
    """A URL that messages may show, to which paths are added; what is wrong with it goes to *faults*."""
    if url and not (is_http_url(url) and url == without_password(url) and not _UNFIT.search(url)):
        faults.append(f"{flag}: {without_password(url)!r} is no http or https URL without user, parameters and spaces")
    return (url or "").rstrip("/")


def _url_fault(url: str) -> str | None:
    return None if is_http_url(url) else f"--prometheus: {without_password(url)!r} is no http or https URL"


def is_http_url(url: str) -> bool:
    """Whether something may be asked there.

    >>> is_http_url("http://localhost:9090"), is_http_url("localhost:9090"), is_http_url("http://[::1")
    (True, False, False)
    """
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def without_password(url: str) -> str:
    """The URL as logs, messages and pages may show it: no user, no password, no parameters, also of a mistyped one.

    >>> without_password("https://tocsin:hunter2@metrics.example/prom?x=1")
    'https://metrics.example/prom'
    >>> without_password("tocsin:hunter2@metrics.example:9090"), without_password("http://tocsin:hunt/er2@m")
    ('***@metrics.example:9090', 'http://***@m')
    >>> without_password("sqlite:///tocsin.db")
    'sqlite:///tocsin.db'
    """
    base, rest = re.match(r"(?s)([^?#]*)(.*)", url).groups()  # type: ignore[union-attr]  # it matches any text
    scheme = _SCHEME.match(base)
    head, body = (scheme[0], base[scheme.end() :]) if scheme is not None else ("", base)
    authority = body.partition("/")[0]
    if "@" in authority and head.endswith("//"):
        return head + authority.rpartition("@")[2] + body[len(authority) :].rpartition("@")[2]
    if "@" in body:
        return f"{head}***@{body.rpartition('@')[2]}"
    if "@" in rest and ":" in body:  # a password with a question mark, or a parameter with an @
        return f"{head}***"
    return base

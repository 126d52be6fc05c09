"""A scrape target whose every sample is a pure function of time and incidents, and its text on the wire."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tocsin.demo.traffic import Incident, Load, Traffic


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant, with everything that has happened to the service until then."""

    at: float
    age: float
    level: float
    volume: float
    load: Load
    broken: bool


Value = Callable[[Moment], float]


@dataclass(frozen=True, slots=True)
class Series:
    """One time series; a histogram's carry their suffix in the name."""

    name: str
    labels: Mapping[str, str]
    value: Value


@dataclass(frozen=True, slots=True)
class Family:
    """One metric with its series."""

    name: str
    type: str
    help: str
    series: tuple[Series, ...]


@dataclass(frozen=True, slots=True)
class Exporter:
    """One scrape target of *job*: its traffic and its metrics; only a *fragile* one fails with the database."""

    name: str
    job: str
    traffic: Traffic
    families: tuple[Family, ...]
    fragile: bool = False

    def moment(self, at: float, incidents: tuple[Incident, ...]) -> Moment:
        """What the exporter has been through until *at*."""
        return Moment(
            at,
            at - self.traffic.start,
            self.traffic.level(at),
            self.traffic.volume(at),
            self.traffic.load(at, incidents if self.fragile else ()),
            any(incident.active(at) for incident in incidents),
        )

    def series(self) -> Iterator[Series]:
        """Every series, in a fixed order."""
        for family in self.families:
            yield from family.series

    def exposition(self, at: float, incidents: tuple[Incident, ...]) -> str:
        """The body of `/metrics` at *at*, in the text format 0.0.4."""
        moment, lines = self.moment(at, incidents), []
        for family in self.families:
            lines += [f"# HELP {family.name} {family.help}", f"# TYPE {family.name} {family.type}"]
            lines += [f"{s.name}{braces(s.labels)} {number(s.value(moment))}" for s in family.series]
        return "\n".join(lines) + "\n"


def number(value: float) -> str:
    """A sample value in its shortest form.

    >>> number(3.0), number(0.25)
    ('3', '0.25')
    """
    return str(int(value)) if value == int(value) else repr(round(value, 6))


def braces(labels: Mapping[str, str]) -> str:
    r"""Labels as they stand behind a metric's name.

    >>> braces({"job": "be-camera", "path": 'C:\\"x"'})
    '{job="be-camera",path="C:\\\\\\"x\\""}'
    """
    if not labels:
        return ""
    escaped = (
        (name, value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")) for name, value in labels.items()
    )
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped) + "}"

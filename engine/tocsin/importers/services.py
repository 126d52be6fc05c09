"""Services that grow while files are read: objectives of one service may stand in several documents."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from tocsin.importers.draft import Entry, Exactly, Inline, Mapping, Query, places
from tocsin.importers.ledger import Fate, Given
from tocsin.importers.model import Definition, heading
from tocsin.importers.names import service_name, unique
from tocsin.promql import with_window
from tocsin.promql_syntax import Fault, parse
from tocsin.units import Duration, parse_ratio
from tocsin.windows import POLICIES, Policy

PERIOD = Duration.of(days=30)
TIERS = {"page": ("fast", "steady"), "ticket": ("slow", "trickle")}
"""The tiers of the default policy by severity."""
IDENTITY = frozenset({"alertname", "part", "ref", "service", "slo", "tier"})
"""Labels that say which alert of an objective it is; Tocsin sets them itself."""
_RESERVED = IDENTITY | {"severity"}
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OF_SERIES = "an objective is divided by this label, so each alert has that of its series"
_TAKEN = "Tocsin sets this label itself; give it another name"


@dataclass(slots=True)
class Service:
    """One service in the making."""

    name: str
    about: Mapping = field(default_factory=Mapping)
    labels: dict[str, str] = field(default_factory=dict)
    slis: Mapping = field(default_factory=Mapping)
    slos: Mapping = field(default_factory=Mapping)
    sources: set[tuple[str, int]] = field(default_factory=set)
    divided: set[str] = field(default_factory=set)
    """Labels by which one of its objectives is divided."""
    written: dict[str, Given] = field(default_factory=dict)
    """Where each of its labels stands."""

    def say(self, key: str, text: str, origin: Given) -> None:
        """Say something about the service itself, the first time that it is said."""
        if text and key not in {entry.key for entry in self.about.entries}:
            self.about.put(key, text, origin)

    def label(self, entry: Given) -> None:
        """Give the alerts of the service a label; one that Tocsin sets, or that differs from before, is lost."""
        text = entry.text()
        if entry.name in _RESERVED:
            entry.lose(_TAKEN)
        elif entry.name in self.divided:
            entry.lose(_OF_SERIES)
        elif self.labels.setdefault(entry.name, text) != text:
            entry.lose(f"the service has {entry.name}: {self.labels[entry.name]} already; give it to the objectives")
        else:
            self.written.setdefault(entry.name, entry)

    def divide(self, by: Iterable[str]) -> None:
        """Note the labels of an objective's rows: one text for all of them would make two alerts one."""
        self.divided.update(by)
        for label in self.divided & self.labels.keys():
            self.written[label].lose(_OF_SERIES)
            del self.labels[label]

    def slo_name(self, text: str) -> str:
        """A free name for an objective and its SLI."""
        taken = {entry.key for entry in (*self.slos.entries, *self.slis.entries)}
        return unique(service_name(text), taken, joint="-")

    def definition(self) -> Definition | None:
        """What is written; None for a service without objectives."""
        if not self.slos.entries:
            return None
        body = heading("Service", self.name)
        body.entries += self.about.entries
        body.texts("labels", self.labels)
        body.put("slis", self.slis)
        body.put("slos", self.slos)
        return Definition(self.name, body, frozenset(self.sources))


@dataclass(slots=True)
class Extras:
    """Labels and annotations of an objective's alerts: those that routes know, and those for Prometheus as they are.

    The labels *by* which it is divided are those of the series.
    """

    by: frozenset[str] = frozenset()
    labels: Mapping = field(default_factory=Mapping)
    raw: dict[str, Mapping] = field(default_factory=dict)
    parts: dict[str, dict[str, Mapping]] = field(default_factory=dict)
    said: dict[tuple[int, str], Given] = field(default_factory=dict)

    def label(self, entry: Given, name: str = "", part: str = "", usual: str = "", *, templates: bool = True) -> None:
        """A label of all alerts, or of those of a *part*: page or ticket; *usual* is what `severity` is without it.

        Where the source has no *templates*, braces are text.
        """
        name = name or entry.name
        text = entry.text()
        if name in IDENTITY:
            entry.lose(_TAKEN)
        elif name in self.by:
            entry.lose(_OF_SERIES)
        elif not _LABEL.fullmatch(name) or name == "__name__":
            entry.refuse(f"{name!r} is not the name of a label", "letters, digits and underscores")
        elif part or name == "severity" or ("{{" in text and templates):
            general = any(each.key == "severity" for each in self._of("", "labels").entries)
            if name != "severity" or text != usual or general:
                self._add(self._of(part, "labels"), name, text, entry)
        else:
            self._add(self.labels, name, text, entry)

    def annotation(self, entry: Given, name: str = "", part: str = "") -> None:
        """An annotation, with its Go templates."""
        name, text = name or entry.name, entry.text()
        if not _LABEL.fullmatch(name):
            entry.refuse(f"{name!r} is not the name of an annotation", "letters, digits and underscores")
        else:
            self._add(self._of(part, "annotations"), name, text, entry)

    def _add(self, mapping: Mapping, name: str, text: str, origin: Given) -> None:
        """What is said later wins, as it does in the alerts of the source."""
        first = self.said.get((id(mapping), name))
        if first is not None and first.value != origin.value:
            first.lose(f"its alerts have {origin.told()}, and recorded series have no labels of yours")
        self.said[id(mapping), name] = origin
        mapping.entries[:] = [entry for entry in mapping.entries if entry.key != name]
        mapping.entries.append(Entry(name, text, places([origin])))

    def _of(self, part: str, key: str) -> Mapping:
        return (self.parts.setdefault(part, {}) if part else self.raw).setdefault(key, Mapping())

    def put(self, entry: Mapping) -> None:
        """Say it in the objective."""
        entry.put("labels", self.labels)
        raw = Mapping()
        for part, inner in (("", self.raw), *sorted(self.parts.items())):
            said = Mapping() if part else raw
            for key in ("labels", "annotations"):
                said.put(key, inner.get(key))
            if part:
                raw.put(part, said)
        entry.put("prometheus", raw)


@dataclass(slots=True)
class Services:
    """All services by name; *wanted* is the name that the user gave for the only one."""

    wanted: str = ""
    found: dict[str, Service] = field(default_factory=dict)
    renamed: set[str] = field(default_factory=set)

    def get(self, written: Given, text: str) -> Service:
        """The service that is called *text* where *written* stands."""
        name = self.wanted or service_name(text)
        service = self.found.setdefault(name, Service(name))
        service.sources.add((written.document.path, written.document.index))
        if name != text and not self.wanted and text not in self.renamed:
            self.renamed.add(text)
            service.say("title", text, written)
            written.ledger.note(Fate.CHANGED, written.span, f"service {text}", f"it is called {name} now")
        return service

    def definitions(self) -> list[Definition]:
        """Everything with objectives."""
        return [made for service in self.found.values() if (made := service.definition())]


def query(node: Given, text: str) -> Query:
    """A PromQL text that may have places for a window; where it cannot be parsed, that is told."""
    fault = parse(with_window(text))
    if isinstance(fault, Fault):
        same = text == node.value  # else the places are those of another text
        place = node.document.inside(node.path, fault.start, fault.end) if same else node.span
        node.ledger.refuse(place, fault.message, fault.hint)
    return Query(text)


def percentage(node: Given) -> Exactly | None:
    """A target in percent, exactly as written."""
    number = node.number()
    if number is None:
        return None
    if not 0 < number < 100:
        node.refuse(f"a target of {number}% leaves {'no error budget' if number >= 100 else 'nothing to keep'}")
    return Exactly(f"{number:f}%")


def burn_rate(
    off: Iterable[str], slo: Given, target: Exactly | None, window: Duration, policy: Policy = POLICIES["workbook"]
) -> tuple[Mapping, bool]:
    """The setting that switches tiers *off*, and whether any is left.

    Those that could never fire at the *target* are switched off, too, and told; so is it where none is left, unless
    the source had switched off all.
    """
    names = list(off)
    wanted = {tier for tiers in TIERS.values() for tier in tiers} - {*names}
    share = parse_ratio(target.text) if target is not None else Decimal(0)
    if 0 < share < 1:
        for tier in policy.tiers(window):
            if tier.name not in names and not tier.feasible(window, share):
                why = f"even a total outage does not reach it at {target.text if target else ''}, so it is switched off"
                slo.ledger.note(Fate.CHANGED, slo.key_span, f"tier {tier.name}", why)
                names.append(tier.name)
    left = any(tier.name not in names for tier in policy.tiers(window))
    if wanted and not left:
        why = (
            f"no tier of the policy watches a period of {window} at this target; write burn_rate: {{tiers: …}} by hand"
        )
        slo.ledger.note(Fate.LOST, slo.key_span, "its burn-rate alerts", why)
    setting = Mapping()
    setting.put("off", Inline(names) if names else None)
    return setting, left

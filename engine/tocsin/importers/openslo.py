"""OpenSLO v1 and v1alpha to services with SLIs and objectives, journeys for composites, channels for targets.

What `tocsin compile` writes into annotations (`tocsin/…`) is read back, so its own output comes back as it was.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from tocsin.importers import openslo_alerts, openslo_indicators
from tocsin.importers import openslo_periods as periods
from tocsin.importers.draft import Exactly, Inline, Mapping, from_json
from tocsin.importers.grouping import Sli
from tocsin.importers.ledger import Fate, Given
from tocsin.importers.model import Definition, Reading, heading
from tocsin.importers.names import service_name, unique
from tocsin.importers.objects import named, objects
from tocsin.importers.services import Extras, Service, Services

_ALPHA = "openslo/v1alpha"
_V1 = frozenset({"Service", "SLO", "SLI", "AlertPolicy", "AlertCondition", "AlertNotificationTarget", "DataSource"})
_KINDS = {"openslo/v1": _V1, _ALPHA: frozenset({"Service", "SLO"})}
_OWN = "tocsin/"


def openslo(reading: Reading) -> Sequence[Definition]:
    """All objects of all files together: they refer to each other by name."""
    return _Importer(reading).definitions()


class _Importer:
    """Knows every object by kind and name."""

    def __init__(self, reading: Reading) -> None:
        self.ledger = reading.ledger
        self.services = Services(reading.service)
        self.found = [(root, kind) for root in objects(reading) if (kind := named(root, _KINDS))]
        self.objects = {(kind, root["metadata"]["name"].text()): root for root, kind in self.found}
        self.types = {
            root["metadata"]["name"].text(): root["spec"]["type"].text()
            for root, kind in self.found
            if kind == "DataSource"
        }
        self.targets: set[str] = set()
        self.journeys: list[Definition] = []
        self.slis: dict[tuple[str, str], str] = {}
        self.by: dict[tuple[str, str], Sequence[str]] = {}

    def definitions(self) -> list[Definition]:
        """Services, then journeys, then channels."""
        for root, kind in self.found:
            if kind == "Service":
                self._service(root)
        for root, kind in self.found:
            if kind == "SLO":
                self._slo(root)
        for root, kind in self.found:
            self._rest(root, kind)
        made = [*self.services.definitions(), *self.journeys]
        if self.targets:
            made.append(self._channels())
        return made

    # --- services ------------------------------------------------------------------------------------------------

    def _service(self, root: Given) -> None:
        metadata, spec = root["metadata"], root["spec"]
        if not spec.value:
            spec.use()
        service = self.services.get(metadata["name"], metadata["name"].text())
        notes = metadata["annotations"]
        service.say("title", metadata["displayName"].text(), metadata["displayName"])
        service.say("description", spec["description"].text(), spec["description"])
        service.say("owner", notes[f"{_OWN}owner"].text(), notes[f"{_OWN}owner"])
        service.say("runbook", notes[f"{_OWN}runbook"].text(), notes[f"{_OWN}runbook"])
        for label in _sayable_labels(metadata):
            service.label(label)

    def _rest(self, root: Given, kind: str) -> None:
        """What belongs to the objects themselves."""
        metadata = root["metadata"]
        metadata["name"].use()
        for entry in metadata["annotations"].entries():
            if entry.name.startswith(_OWN):
                entry.use()
        if kind == "AlertNotificationTarget":
            root["spec"]["target"].use()
            if root["spec"]["description"].value:
                root["spec"]["description"].lose("channels have no description; say it in a comment")
        if kind == "DataSource" and "connectionDetails" in root["spec"]:
            root["spec"]["connectionDetails"].lose("where Prometheus is, is said to `tocsin serve --prometheus`")
        if metadata["displayName"].value and metadata["displayName"].place not in self.ledger.used:
            metadata["displayName"].lose("it has a name and a description here, and no title")

    def _channels(self) -> Definition:
        """A channel for each target; what they need is not in the files."""
        body = heading("Notifications", "openslo")
        channels = Mapping()
        for name in sorted(self.targets):
            root = next(
                (r for (k, n), r in self.objects.items() if k == "AlertNotificationTarget" and service_name(n) == name),
                None,
            )
            variable = f"{name.upper().replace('-', '_')}_URL"
            channel, secret = Mapping(), Mapping()
            secret.put("env", variable)
            channel.put("apprise", secret)
            channels.put(name, channel, *([root] if root else []), notes=[root.source] if root else [])
            span = root["spec"]["target"].span if root else self.found[0][0].key_span
            why = f"put its Apprise URL into the environment variable {variable}, or write the channel out"
            self.ledger.note(Fate.CHANGED, span, f"notification target {name}", why)
        body.put("channels", channels)
        sources = {(r.document.path, r.document.index) for r, k in self.found if k == "AlertNotificationTarget"}
        return Definition("openslo-notifications", body, frozenset(sources))

    # --- objectives ----------------------------------------------------------------------------------------------

    def _slo(self, root: Given) -> None:
        spec, metadata = root["spec"], root["metadata"]
        name = metadata["annotations"][f"{_OWN}name"].text() or metadata["name"].text()
        written = spec["service"]
        if not name or not written.text():
            root.refuse("an objective needs a name and a service")
            root.use()
            return
        service = self.services.get(written, written.text())
        service.sources.add((root.document.path, root.document.index))
        objectives = list(spec["objectives"].elements())
        composite = [each for each in objectives if "indicator" in each or "indicatorRef" in each]
        made: list[tuple[str, Given]] = []
        for number, objective in enumerate(objectives, 1):
            own = objective if composite else spec
            title = name if len(objectives) == 1 else f"{name}-{objective['displayName'].value or number}"
            key = self._objective(root, objective, own, title, service)
            if key:
                made.append((key, objective))
        if not objectives:
            spec.refuse("there are no objectives")
        if composite and len(made) > 1:
            self._journey(root, name, service, made)
        elif composite and len(objectives) > 1:
            left = "one of its objectives is left" if made else "none of its objectives is left"
            self.ledger.note(Fate.LOST, root.key_span, f"the composite {name}", f"{left}; see their own lines")
        if objectives and not made:
            self.ledger.note(Fate.LOST, root.key_span, f"SLO {name}", "none of its objectives can be said")
            root.use()

    def _objective(self, root: Given, objective: Given, own: Given, title: str, service: Service) -> str:
        """One objective; empty where it cannot be said, and then it is told."""
        spec, notes = root["spec"], root["metadata"]["annotations"]
        sli = self._indicator(own, objective, service, title)
        if not sli:
            objective.lose("its indicator cannot be said")
            return ""
        key = unique(service_name(title), {entry.key for entry in service.slos.entries}, joint="-")
        if key != title:
            root["metadata"]["name"].change(f"it is called {key} now")
        definition = from_json(notes[f"{_OWN}definition"].text() or "{}")
        if definition is None:
            notes[f"{_OWN}definition"].refuse("this is no definition in JSON")
            definition = Mapping()
        rest = {entry.key: entry.value for entry in definition.entries}
        entry = Mapping()
        entry.put("sli", sli)
        target = periods.target(objective)
        entry.put("target", target, objective["target"], objective["targetPercent"])
        window, length = periods.window(spec)
        entry.put("window", window, spec["timeWindow"], spec["timeWindows"])
        by = () if "group_by" in rest else self._group_by(service.name, sli, own, objective)
        service.divide(by)
        entry.put("group_by", Inline(by) if by else None, own["indicator"])
        periods.budgeting(spec, objective, entry)
        tiers, targets, no_data = openslo_alerts.tiers(spec, length, self.objects)
        for channel_key in ("page", "ticket"):
            names = [name for name in notes[f"{_OWN}{channel_key}"].text().split(",") if name]
            self.targets.update(names)
            entry.put(channel_key, Inline(names) if names else None)
        self.targets |= targets
        if notes[f"{_OWN}name"].value is None:
            entry.entries += openslo_alerts.said(tiers, no_data, spec, (objective, target, length)).entries
        description = spec["description"].text()
        entry.put("description", description, spec["description"])
        entry.put("runbook", notes[f"{_OWN}runbook"].text() or None)
        extras = Extras(frozenset(by))
        for label in _sayable_labels(root["metadata"]):
            if label.name == "severity" and "prometheus" in rest:
                label.lose("its definition says another one")
            else:
                extras.label(label, templates=False)
        extras.put(entry)
        for name, value in rest.items():
            entry.put(name, value)
        if objective["displayName"].value is not None:
            objective["displayName"].use()
        service.slos.put(key, entry, root, objective, notes=[root.source])
        return key

    def _group_by(self, service: str, sli: str, own: Given, objective: Given) -> Sequence[str]:
        """What the rows of an SLI are told apart by; a composite is made of whole objectives, and that is told."""
        by = self.by.get((service, sli), ())
        if by and own.path == objective.path:
            why = "a part of a composite is one objective, whatever its rows are told apart by"
            self.ledger.note(Fate.LOST, objective.key_span, f"the rows of {sli} by {', '.join(by)}", why)
            return ()
        return by

    def _indicator(self, own: Given, objective: Given, service: Service, title: str) -> str:
        """The name of the SLI, which is put into the service the first time that it is needed."""
        if "indicatorRef" in own:
            name = own["indicatorRef"].text()
            root = self.objects.get(("SLI", name))
            if root is None:
                own["indicatorRef"].refuse(f"there is no SLI {name!r} in these files")
                return ""
            spec, metadata = root["spec"], root["metadata"]
        elif "ratioMetrics" in objective:  # v1alpha
            return self._put(service, title, objective, openslo_indicators.ratio(objective["ratioMetrics"], self.types))
        elif "thresholdMetric" in own["indicator"]:  # v1alpha
            spec, metadata = own["indicator"], own["indicator"]["metadata"]
        else:
            spec, metadata = own["indicator"]["spec"], own["indicator"]["metadata"]
        notes = metadata["annotations"]
        wanted = notes[f"{_OWN}name"].text() or metadata["name"].text() or title
        limit = f"{objective['op'].value} {objective['value'].value}" if "thresholdMetric" in spec else ""
        place = f"{spec.place} {limit}"
        if (service.name, place) in self.slis:
            objective["op"].use(), objective["value"].use()
            return self.slis[service.name, place]
        if spec["description"].value:
            spec["description"].lose("SLIs have no description; put it into that of the objective")
        definition = from_json(notes[f"{_OWN}definition"].text()) if notes[f"{_OWN}definition"].value else None
        made = Sli(definition) if definition else openslo_indicators.sli(spec, objective, self.types)
        if definition is not None:
            spec.use(), objective["op"].use(), objective["value"].use()
        key = self._put(service, wanted, spec, made)
        if key:
            self.slis[service.name, place] = key
        return key

    def _put(self, service: Service, wanted: str, origin: Given, made: Sli | None) -> str:
        if made is None:
            return ""
        key = unique(service_name(wanted), {entry.key for entry in service.slis.entries}, joint="-")
        service.slis.put(key, made.entry, origin, notes=[origin.source])
        self.by[service.name, key] = made.by
        return key

    def _journey(self, root: Given, name: str, service: Service, made: list[tuple[str, Given]]) -> None:
        """A composite: the mean of its objectives by weight, per slice of time."""
        body = heading("Journey", unique(service_name(name), {each.name for each in self.journeys}, joint="-"))
        weights = {f"{service.name}/{key}": _weight(objective["compositeWeight"]) for key, objective in made}
        targets = [
            (periods.percent(objective), weight) for (_, objective), weight in zip(made, weights.values(), strict=True)
        ]
        mean = sum((target * weight for target, weight in targets), Decimal(0)) / sum(weights.values())
        combine, weighted, entry = Mapping(), Mapping(), Mapping()
        for ref, weight in weights.items():
            weighted.put(ref, Exactly(f"{weight.normalize():f}"))
        combine.put("weighted", weighted)
        entry.put("target", Exactly(f"{mean.quantize(Decimal('0.0001')).normalize():f}%"))
        window, _ = periods.window(root["spec"])
        entry.put("window", window)
        entry.put("combine", combine)
        slos = Mapping()
        slos.put("all", entry, notes=[root.source])
        body.put("slos", slos)
        self.ledger.note(
            Fate.ADDED, root.key_span, f"target of journey {name}", "the mean of its parts' targets by weight"
        )
        self.journeys.append(Definition(service.name, body, frozenset({(root.document.path, root.document.index)})))


def _sayable_labels(metadata: Given) -> Iterator[Given]:
    """Labels that Prometheus could have, a list of one text among them; others are told."""
    for label in metadata["labels"].entries():
        several = list(label.elements())
        written = several[0] if len(several) == 1 else label
        if not isinstance(written.value, str) or not label.name.replace("_", "a").isalnum() or label.name[0].isdigit():
            label.lose("a label has a name of letters, digits and underscores, and one text as its value")
        else:
            label.use()
            yield Given(label.document, label.ledger, label.path, written.value)


def _weight(node: Given) -> Decimal:
    weight = node.number()
    if weight is not None and weight <= 0:
        node.refuse(f"a weight of {weight} is not above 0")
        return Decimal(1)
    return weight or Decimal(1)

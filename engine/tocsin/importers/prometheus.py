"""Rule files of Prometheus, Thanos, Mimir and Cortex, and PrometheusRule objects, to services.

Everything stays as Prometheus evaluates it: groups with their names and settings, rules in their order, labels and
annotations with their Go templates. Only texts that mean the same in the language are said in the language.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from tocsin.importers import rules
from tocsin.importers.draft import Exactly, Listing, Mapping
from tocsin.importers.ledger import Fate, Given
from tocsin.importers.model import Definition, Reading, heading
from tocsin.importers.names import alert_key, service_name, severity, unique
from tocsin.importers.objects import named, objects, pass_over_metadata
from tocsin.promql_syntax import Fault, Selector, nodes, parse

_KINDS = {"monitoring.coreos.com/v1": frozenset({"PrometheusRule"})}
_MIMIR = "it is a setting of Mimir; give it where the rules are loaded"
_NOT_SAID = {
    "query_offset": "Tocsin cannot shift a whole group; write 'offset' behind the selectors of its rules",
    "partial_response_strategy": "it is a setting of Thanos; give it where the rules are loaded",
    "source_tenants": _MIMIR,
    "evaluation_delay": _MIMIR,
    "align_evaluation_time_on_interval": _MIMIR,
    "remote_write": _MIMIR,
}


def prometheus(reading: Reading) -> Sequence[Definition]:
    """One service for each rule file, PrometheusRule or namespace."""
    found: list[Definition] = []
    for root, name in _roots(reading):
        taken = {definition.name for definition in found}
        service = _Service(root, unique(reading.service or service_name(name), taken, joint="-"))
        if definition := service.definition():
            found.append(definition)
    return found


def _roots(reading: Reading) -> Iterator[tuple[Given, str]]:
    """The mappings that hold `groups`, with the name of each."""
    plain: set[str] = set()
    for root in objects(reading):
        file = root.document.path
        if "kind" in root or "apiVersion" in root:
            if named(root, _KINDS):
                yield root["spec"], root["metadata"]["name"].text(reading.names[file])
                pass_over_metadata(root, "name")
        elif "namespace" in root:
            yield root, f"{reading.names[file]}-{root['namespace'].text()}"
        elif file in plain:
            root.lose("Prometheus reads only the first document of a rule file; put its groups there")
        else:
            plain.add(file)
            yield root, reading.names[file]


class _Service:
    """Reads one mapping with `groups`."""

    def __init__(self, root: Given, name: str) -> None:
        self.root = root
        self.name = name
        self.groups = Mapping()
        self.recordings = Listing()
        self.alerts = Mapping()
        self.taken: set[str] = set()
        self.around: list[Given] = []
        self.kinds: list[tuple[Given, str]] = []
        self.words: Counter[str] = Counter()
        self.no_severity: list[Given] = []
        self.no_summary = 0

    def definition(self) -> Definition | None:
        """The service; None where it has no rule."""
        self._read()
        if not self.kinds or not any(kinds for _, kinds in self.kinds):
            return None
        body = heading("Service", self.name)
        body.put("groups", self.groups)
        sections: dict[str, Listing | Mapping] = {"recordings": self.recordings, "alerts": self.alerts}
        for key in reversed(sections) if self._alerts_first() else sections:
            body.put(key, sections[key], *([self.root["groups"]] if key == "alerts" else []))
        self._tell()
        document = self.root.document
        return Definition(self.name, body, frozenset({(document.path, document.index)}))

    def _read(self) -> None:
        groups = self.root["groups"]
        if not self.root.value:
            self.root.use()
        if not isinstance(groups.value, list | None):
            groups.refuse("groups is not a list")
            return
        for entry in self.root.entries():
            if entry.name not in {"groups", "namespace"}:
                entry.refuse(f"a rule file has no {entry.name!r}")
        groups.use() if not groups.value else None
        names: set[str] = set()
        for group in groups.elements():
            self._group(group, names)

    def _group(self, group: Given, names: set[str]) -> None:
        given = group["name"].text()
        if not given or given in names:
            wrong = f"group {given!r} is there already" if given else "a group needs a name"
            (group["name"] if given else group).refuse(wrong)
            group.use()
            return
        names.add(given)
        name = given
        if given in {f"alerts:{self.name}", f"recordings:{self.name}"}:
            name = unique(given, names, "imported")
            group["name"].change(f"it is called {name} now, for {given} is one of Tocsin's own")
        settings = Mapping()
        interval = group["interval"].duration()
        if interval is not None and interval.milliseconds:
            settings.put("interval", Exactly(group["interval"].text().strip()), group["interval"])
        if limit := group["limit"].whole(0):
            settings.put("limit", Exactly(str(limit)), group["limit"])
        self.groups.put(name, settings, group)
        inherited = group["labels"].texts()
        if inherited:
            group["labels"].change("each rule of the group has them for itself now")
        for key, why in _NOT_SAID.items():
            if key in group:
                group[key].lose(why)
        self.around = [] if settings.entries else [group, group["rules"]]
        kinds = "".join(self._rule(rule, name, inherited)[:1] for rule in group["rules"].elements())
        group["rules"].use() if not group["rules"].value else None
        if not kinds:
            group.change("a group without rules is left out")
        self.kinds.append((group, kinds))

    def _rule(self, rule: Given, group: str, inherited: dict[str, str]) -> str:
        kind = rules.kind_of(rule)
        if kind == rules.RECORD:
            entry = rules.recording(rule, group, inherited)
            self.recordings.add(entry, rule, *self._around(), notes=[rule.source])
        elif kind == rules.ALERT:
            name = rule["alert"].text()
            word = rule["labels"]["severity"].value or inherited.get("severity")
            key = unique(alert_key(name), self.taken, *([alert_key(str(word))] if word else []))
            self.taken.add(key)
            entry = rules.alert(rule, key, group, inherited)
            self.alerts.put(key, entry, rule, *self._around(), notes=[rule.source])
            if not word:
                self.no_severity.append(rule)
            elif severity(str(word)) != word:
                self.words[str(word)] += 1
            self.no_summary += not rule["annotations"]["summary"].value
        return kind

    def _around(self) -> list[Given]:
        """What the comments of a group without settings belong to: its first rule."""
        around, self.around = self.around, []
        return around

    # --- what becomes otherwise ----------------------------------------------------------------------------------

    def _alerts_first(self) -> bool:
        """Whether alerts stand before recordings; inside a group they are evaluated as they are written."""
        told = [kinds for _, kinds in self.kinds if len(set(kinds)) > 1]
        return bool(told) and all("ra" not in kinds for kinds in told)

    def _tell(self) -> None:
        ledger, span = self.root.ledger, self.root["groups"].key_span
        first, wrong = ("alerts", "ra") if self._alerts_first() else ("recordings", "ar")
        for group, kinds in self.kinds:
            if wrong in kinds:
                effect = (
                    "one of its rules reads what another makes" if _read_each_other(group) else "none reads another"
                )
                group.change(f"all its {first} are evaluated first, for a definition keeps them apart; {effect}")
        for rule in self.no_severity:
            what = f"severity of {rule['alert'].value}"
            ledger.note(Fate.ADDED, rule.key_span, what, "it had none, so it is a warning")
        for word, count in self.words.items():
            why = f"Tocsin calls it {severity(word) or 'warning'}; {_of(count)} the label in Prometheus as it was"
            ledger.note(Fate.CHANGED, span, f"severity: {word}", why)
        if self.alerts.entries:
            why = f"they say which definition it is; service is {self.name} where the expression speaks of none"
            ledger.note(Fate.ADDED, span, "labels ref and service, annotation source of each alert", why)
        if self.no_summary:
            why = f"{_of(self.no_summary)} none, so it says 'alert of service'"
            ledger.note(Fate.ADDED, span, "annotation summary", why)


def _read_each_other(group: Given) -> bool:
    """Whether it matters in which order alerts and recordings of the group are evaluated."""
    reads: dict[str, set[str]] = {rules.ALERT: set(), rules.RECORD: set()}
    records: set[object] = set()
    for rule in group["rules"].elements():
        kind = rules.ALERT if rules.ALERT in rule else rules.RECORD
        records.add(rule[rules.RECORD].value)
        tree = parse(str(rule["expr"].value))
        if isinstance(tree, Fault):
            return True
        names = (node.name.value if node.name else "" for node in nodes(tree) if isinstance(node, Selector))
        reads[kind].update(names)
    return bool(reads[rules.ALERT] & {*records, ""} or reads[rules.RECORD] & {"ALERTS", "ALERTS_FOR_STATE", ""})


def _of(count: int) -> str:
    return "one alert has" if count == 1 else f"{count} alerts have"

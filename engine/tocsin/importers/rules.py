"""One rule of Prometheus to an alert or a recording."""

import re
from collections.abc import Mapping as Texts

from tocsin.importers.draft import Exactly, Mapping, Query
from tocsin.importers.ledger import Given
from tocsin.importers.names import severity
from tocsin.importers.rereading import reread
from tocsin.promql_syntax import Fault, parse
from tocsin.schema.words import did_you_mean
from tocsin.template import Hole, parts

ALERT, RECORD = "alert", "record"
_KEYS = {
    ALERT: ("alert", "expr", "for", "keep_firing_for", "labels", "annotations"),
    RECORD: ("record", "expr", "labels"),
}
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_METRIC = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_URL = re.compile(r"https?://[^\s]+")
_OWN = frozenset({"ref", "service", "severity"})
_IDENTITY = frozenset({"alertname", "ref"})
_SERVICE = re.compile(r"\bservice\b")
_OF_SERIES = "{{ $labels.service }}"


def kind_of(rule: Given) -> str:
    """`alert` or `record`; empty for what Prometheus would refuse, and then it is told."""
    given = [key for key in (ALERT, RECORD) if key in rule]
    if len(given) != 1:
        rule.refuse(f"a rule has either alert or record, this one has {'both' if given else 'neither'}")
        return ""
    (kind,) = given
    name = rule[kind].text()
    if not name or (kind == RECORD and not _METRIC.fullmatch(name)):
        rule[kind].refuse(f"{name!r} is not the name of {'an alert' if kind == ALERT else 'a series'}")
        rule.use()
        return ""
    for entry in rule.entries():
        if entry.name not in _KEYS[kind]:
            what = "an alert" if kind == ALERT else "a recording"
            entry.refuse(f"{what} has no {entry.name!r}", did_you_mean(entry.name, _KEYS[kind]))
    if not rule["expr"].text().strip():
        rule["expr"].refuse("there is no expression")
        rule.use()
        return ""
    return kind


def expression(rule: Given, given: Texts[str, str] | None = None) -> Query:
    """The expression as it is written, except that joins with ALERTS leave the labels out that those get.

    *given* are the labels of an alert. An expression that speaks of `service` has it in its rows, and its alerts keep
    it. Where it cannot be parsed, that is told.
    """
    text = rule["expr"].text()
    tree = parse(text)
    if isinstance(tree, Fault):
        place = rule.document.inside(rule["expr"].path, tree.start, tree.end)
        rule.ledger.refuse(place, tree.message, tree.hint)
        return Query(text)
    service = ("service",) if not _SERVICE.search(text) and "service" not in (given or {}) else ()
    word = ("severity",) if given is not None and "severity" not in given else ()
    return Query(reread(rule, text, tree, ("ref", *service, *word)))


def labels(rule: Given, inherited: Texts[str, str]) -> dict[str, str]:
    """The labels that the rule sets, those of its group included."""
    own = rule["labels"].texts()
    for name in [name for name in own if not _LABEL.fullmatch(name) or name == "__name__"]:
        rule["labels"][name].refuse(f"{name!r} is not the name of a label", "letters, digits and underscores")
        del own[name]
    for name in _IDENTITY & set(own):
        rule["labels"][name].lose("Tocsin sets this label itself; give it another name")
        del own[name]
    return {**{name: text for name, text in inherited.items() if name not in _IDENTITY}, **own}


def recording(rule: Given, group: str, inherited: Texts[str, str]) -> Mapping:
    """A recorded series."""
    entry = Mapping()
    entry.put("record", rule["record"].text(), rule["record"])
    entry.put("expr", expression(rule), rule["expr"])
    entry.texts("labels", labels(rule, inherited), rule["labels"])
    entry.put("group", group)
    return entry


def alert(rule: Given, name: str, group: str, inherited: Texts[str, str]) -> Mapping:
    """An alert under the key *name*: texts that mean the same go into the language, all others to Prometheus as is."""
    given = labels(rule, inherited)
    annotations = rule["annotations"].texts()
    word = given.get("severity", "")
    entry = Mapping()
    entry.put("alertname", rule["alert"].text() if rule["alert"].text() != name else None)
    entry.put("expr", expression(rule, given), rule["expr"])
    for key in ("for", "keep_firing_for"):
        duration = rule[key].duration()
        entry.put(key, Exactly(rule[key].text().strip()) if duration and duration.milliseconds else None, rule[key])
    entry.put("severity", severity(word) or "warning", rule["labels"]["severity"])
    entry.put("group", group)
    raw_labels = {
        key: text
        for key, text in given.items()
        if key in _OWN or "{{" in text or not text
    }  # fmt: skip
    if severity(word) == word:
        raw_labels.pop("severity", None)
    if "service" not in given and _SERVICE.search(rule["expr"].text() + " ".join(annotations.values())):
        raw_labels["service"] = _OF_SERIES
    said = {
        "summary": annotations.get("summary", ""),
        "description": annotations.get("description", ""),
        "runbook": annotations.get("runbook_url", ""),
    }
    for key, text in said.items():
        source = "runbook_url" if key == "runbook" else key
        fits = _URL.fullmatch(text) and "{{" not in text if key == "runbook" else _sayable(text, _OWN | set(given))
        if text and fits:
            entry.put(key, text, rule["annotations"][source])
            del annotations[source]
    entry.texts(
        "labels", {k: text for k, text in given.items() if k not in raw_labels and k != "severity"}, rule["labels"]
    )
    raw = Mapping()
    raw.texts("labels", raw_labels, rule["labels"])
    raw.texts("annotations", annotations, rule["annotations"])
    entry.put("prometheus", raw)
    return entry


def _sayable(text: str, own: frozenset[str]) -> bool:
    """Whether a text comes out of the language as Prometheus would read it.

    In Prometheus `$labels` are those of the series; in the language the alert's own are among them.
    """
    if not text.strip() or text != text.strip():
        return False
    return all(
        isinstance(part, str) or (isinstance(part, Hole) and part.own and part.label not in own) for part in parts(text)
    )

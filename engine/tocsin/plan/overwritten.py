"""Labels of rows that an alert's own labels take the place of: what then still tells its rows apart.

Prometheus puts the labels of a rule over those of a row. Two rows that differ in nothing else are one alert then, and
the whole rule fails ("vector contains metrics with the same labelset after applying alert labels").
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tocsin.ports import Labels
from tocsin.promql import label_value
from tocsin.promql_syntax import Call, Expr, Flow, Selector, String, nodes
from tocsin.spec import AlertRule, Service

_COPY = re.compile(r"([^{}]*)\{\{\s*\$labels\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}([^{}]*)")


@dataclass(frozen=True, slots=True)
class Copy:
    """A label of a row that the label *at* of the alert holds, between other texts."""

    at: str
    before: str = ""
    behind: str = ""


@dataclass(frozen=True, slots=True)
class Overwritten:
    """The labels of a row that its alert has otherwise.

    *lost* ones are nowhere in the alert, *copies* can be read from it again, and *mixed* ones have a part in a template
    that cannot be read backwards. A label that the alert takes over as it is is a copy of itself.
    """

    lost: frozenset[str]
    copies: Mapping[str, Copy]
    mixed: frozenset[str]


def labels_given(rule: AlertRule, service: Service) -> dict[str, str]:
    """The labels that an alert has besides those of its rows; what is given for Prometheus alone wins."""
    own = {"service": rule.service, "severity": rule.severity, "ref": rule.ref}
    return dict(service.labels) | dict(rule.labels) | own | dict(rule.raw.labels)


def overwritten(labels: Iterable[str], raw: Labels) -> Overwritten:
    """What becomes of row labels under *labels*, those of *raw* being Go templates.

    >>> found = overwritten(["service", "svc"], (("svc", "{{ $labels.service }}"),))
    >>> sorted(found.lost), found.copies
    (['alertname', 'svc'], {'service': Copy(at='svc', before='', behind='')})
    """
    templates = {name: text for name, text in raw if "{{" in text}
    copies: dict[str, Copy] = {}
    for name, text in sorted(templates.items()):
        if match := _COPY.fullmatch(text):
            before, label, behind = match.groups()
            copies[label] = copies.get(label) or Copy(name, before, behind)
            if name == label and not before + behind:
                copies[label] = Copy(name)
    names = {"alertname", *labels}
    used = {label: copy for label, copy in copies.items() if label in names}
    sources = {copy.at for label, copy in used.items() if copy.at != label}
    read = {label: copy for label, copy in used.items() if label not in sources}
    told = {name for name in names if any(re.search(rf"\b{name}\b", text) for text in templates.values())}
    return Overwritten(frozenset(names - told), read, frozenset(told - read.keys()))


def telling(tree: Expr, rows: Flow, labels: Iterable[str]) -> frozenset[str]:
    """Those of *labels* that may differ from row to row; alerts are named only where `ALERTS` is read."""
    read = [node for node in nodes(tree) if isinstance(node, Selector)]
    alerts = any(node.metric is None or node.metric.startswith("ALERTS") for node in read) or rows.only is not None
    found = {label for label in labels if rows.may_have(label) and rows.value(label) is None}
    return frozenset(found if alerts else found - {"alertname", "alertstate"})


def carried_over(tree: Expr) -> frozenset[str]:
    """Labels whose values the expression itself puts into other labels."""
    calls = [node for node in nodes(tree) if isinstance(node, Call)]
    copying = [call for call in calls if call.name.value in {"label_replace", "label_join"}]
    return frozenset(each.value for call in copying for each in call.arguments[3:] if isinstance(each, String))


def restored(vector: str, copies: Mapping[str, Copy]) -> str:
    """Alerts with the labels that their rows had.

    Where a template comes out empty, the alert has no such label and ALERTS has the template itself.

    >>> print(restored("ALERTS", {"service": Copy("svc")}))
    label_replace(ALERTS, "service", "$1", "svc", "[{]{2}.*|(.*)")
    >>> print(restored("ALERTS", {"service": Copy("svc", "of-")}))
    label_replace(ALERTS, "service", "$1", "svc", "of-(.*)")
    """
    for label, copy in sorted(copies.items()):
        pattern = f"{_quoted(copy.before)}(.*){_quoted(copy.behind)}"
        if not copy.before + copy.behind:
            pattern = "[{]{2}.*|(.*)"
        vector = f'label_replace({vector}, "{label}", "$1", "{copy.at}", {label_value(pattern)})'
    return vector


def _quoted(text: str) -> str:
    return re.sub(r"[\\.+*?()|\[\]{}^$]", r"\\\g<0>", text)

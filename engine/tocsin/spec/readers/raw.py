"""What Prometheus is given as it is, and labels that tell alerts apart."""

from tocsin.ports import Labels, labels_of
from tocsin.spec.readers.node import Node
from tocsin.spec.service import Raw

_NOTHING = Raw()


def read_raw(node: Node, identity: frozenset[str]) -> Raw:
    """Labels and annotations for Prometheus; the labels of *identity* say which alert it is, and stay ours."""
    if node.value is None:
        return _NOTHING
    for name in sorted(identity & set(node["labels"].names())):
        hint = "write alertname: instead" if name == "alertname" and "slo" not in identity else "choose another name"
        _reserved(node["labels"][name], hint)
    labels = tuple(pair for pair in node["labels"].labels() if pair[0] not in identity)
    return Raw(labels, node["annotations"].labels())


def read_labels(node: Node, reserved: frozenset[str]) -> Labels:
    """Labels of alerts but those that are *reserved*: a user's value would make two alerts look like one."""
    for entry in node.entries():
        if entry.name in reserved:
            _reserved(entry, "choose another name")
    return labels_of({name: value for name, value in node.labels() if name not in reserved})


def _reserved(node: Node, hint: str) -> None:
    message = f"label {node.name!r} is set by Tocsin and cannot be given another value"
    node.report("labels/reserved", message, hint, span=node.key_span)

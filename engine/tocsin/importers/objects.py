"""The objects of a stream: documents, the elements of a list, the items of a Kubernetes list."""

from collections.abc import Iterator

from tocsin.importers.ledger import Given
from tocsin.importers.model import Reading
from tocsin.schema.words import did_you_mean

BOOKKEEPING = frozenset(
    {
        "creationTimestamp",
        "finalizers",
        "generation",
        "managedFields",
        "ownerReferences",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
"""What Kubernetes itself writes into the metadata of an object."""


def objects(reading: Reading) -> Iterator[Given]:
    """Everything in *reading* that may be an object of its own; what is no mapping is told."""
    for document in reading.documents:
        yield from _objects(Given.root(document, reading.ledger))


def _objects(node: Given) -> Iterator[Given]:
    if isinstance(node.value, list):
        for element in node.elements():
            yield from _objects(element)
    elif str(node["kind"].value or "").endswith("List") and "items" in node:
        node["kind"].use(), node["apiVersion"].use(), node["metadata"].use()
        for element in node["items"].elements():
            yield from _objects(element)
    elif node["kind"].value is not None or isinstance(node.value, dict):
        yield node
    elif node.value is None:
        node.use()
    else:
        node.refuse(f"{node.told()} is not a mapping, so it defines nothing")


def named(root: Given, versions: dict[str, frozenset[str]]) -> str:
    """The kind of an object, if *versions* knows it in the API version that is written; else it is told and lost."""
    version, kind = root["apiVersion"].text(), root["kind"].text()
    if version not in versions:
        hint = did_you_mean(version, versions) or f"known are {', '.join(sorted(versions))}"
        root["apiVersion"].refuse(f"apiVersion is {version or 'missing'}", hint)
        root.use()
        return ""
    if kind not in versions[version]:
        root["kind"].refuse(f"kind is {kind or 'missing'}", f"known are {', '.join(sorted(versions[version]))}")
        root.use()
        return ""
    return kind


def pass_over_metadata(root: Given, *said: str) -> None:
    """What Kubernetes keeps about an object itself; *said* are the keys that the importer has read."""
    root["status"].use()
    metadata = root["metadata"]
    for entry in metadata.entries():
        if entry.name == "namespace":
            entry.lose("the namespace of the generated objects is set in kubernetes: of the Platform")
        elif entry.name in {"labels", "annotations"} and entry.value and entry.name not in said:
            entry.lose("it belongs to the Kubernetes object, not to what is defined")
        elif entry.name in BOOKKEEPING:
            entry.use()

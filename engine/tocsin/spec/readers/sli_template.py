"""SLITemplate: a document to what people may know of it; its SLI is read where it is used."""

from tocsin.spec.readers.node import Node
from tocsin.spec.sli_template import SliTemplate


def read_sli_template(node: Node) -> SliTemplate:
    """Read one SLITemplate document."""
    return SliTemplate(
        name=node["name"].text(),
        description=node["description"].text().strip(),
        parameters={entry.name: entry["description"].text().strip() for entry in node["parameters"].entries()},
        span=node["name"].span,
    )

"""Readers: a Document that the schema has seen, to the frozen types of its kind, with notes of what is wrong."""

from tocsin.spec.readers.dashboard import read_dashboard
from tocsin.spec.readers.journey import read_journey
from tocsin.spec.readers.node import MOST_COMPARED, MOST_NAMES, Node, Notes, Reference, known_name
from tocsin.spec.readers.notifications import read_notifications
from tocsin.spec.readers.platform import read_platform
from tocsin.spec.readers.routes import Takers
from tocsin.spec.readers.service import read_service
from tocsin.spec.readers.sla import read_sla
from tocsin.spec.readers.sli import read_sli
from tocsin.spec.readers.sli_template import read_sli_template

__all__ = [
    "MOST_COMPARED",
    "MOST_NAMES",
    "Node",
    "Notes",
    "Reference",
    "Takers",
    "known_name",
    "read_dashboard",
    "read_journey",
    "read_notifications",
    "read_platform",
    "read_service",
    "read_sla",
    "read_sli",
    "read_sli_template",
]

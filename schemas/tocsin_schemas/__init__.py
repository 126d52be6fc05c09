"""The JSON Schemas (draft 2020-12) of the language, one per kind, and of what commands print."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

KINDS: dict[str, str] = {
    "Service": "service.v1.schema.json",
    "Journey": "journey.v1.schema.json",
    "SLA": "sla.v1.schema.json",
    "Notifications": "notifications.v1.schema.json",
    "Platform": "platform.v1.schema.json",
    "Dashboard": "dashboard.v1.schema.json",
    "SLITemplate": "slitemplate.v1.schema.json",
}
"""Each kind of document with the file that holds its schema."""

OUTPUTS: dict[str, str] = {"evaluate": "output/evaluation.v1.schema.json"}
"""Each command whose JSON other programs rely on, with the file that describes it."""


def output_schema(command: str) -> dict[str, Any]:
    """The schema of what *command* prints with `--format json`."""
    schema: dict[str, Any] = json.loads((files(__name__) / OUTPUTS[command]).read_text(encoding="utf-8"))
    return schema


def schema_text(kind: str) -> str:
    """The schema of *kind* as the text that editors load."""
    return (files(__name__) / KINDS[kind]).read_text(encoding="utf-8")


@cache
def schema_for(kind: str) -> dict[str, Any]:
    """The schema of *kind*, parsed once; treat it as read-only. KeyError for a kind that does not exist."""
    schema: dict[str, Any] = json.loads(schema_text(kind))
    return schema

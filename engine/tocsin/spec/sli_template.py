"""SLITemplate: an SLI that is written once, with parameters, and used in many services."""

from collections.abc import Mapping
from dataclasses import dataclass

from tocsin.diagnostics import Span


@dataclass(frozen=True, slots=True)
class SliTemplate:
    """What the SLI measures is said where it is used; *parameters* have a description each."""

    name: str
    description: str
    parameters: Mapping[str, str]
    span: Span

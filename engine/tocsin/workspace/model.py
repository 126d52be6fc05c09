"""What goes in and what comes out: the texts of files, and everything they say."""

from collections.abc import Mapping
from dataclasses import dataclass

from tocsin.diagnostics import Span
from tocsin.document import Document
from tocsin.spec import Dashboard, Journey, Notifications, Platform, Service, Sla, SliTemplate

Definition = Dashboard | Journey | Notifications | Platform | Service | Sla | SliTemplate


@dataclass(frozen=True, slots=True)
class Source:
    """One file's text; *path* is what findings print."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Uses:
    """Where the SLI of a template stands, and the places that use it."""

    template: Span
    places: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Workspace:
    """Everything that was said, by name, in sorted order so that file order never matters."""

    services: tuple[Service, ...] = ()
    journeys: tuple[Journey, ...] = ()
    slas: tuple[Sla, ...] = ()
    notifications: tuple[Notifications, ...] = ()
    dashboards: tuple[Dashboard, ...] = ()
    platform: Platform | None = None
    documents: Mapping[tuple[str, int], Document] | None = None
    templates: tuple[Uses, ...] = ()
    """Where SLIs of templates stand, and who uses them."""

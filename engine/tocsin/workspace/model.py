"""What goes in and what comes out: the texts of files, and everything they say."""

from collections.abc import Mapping
from dataclasses import dataclass

from tocsin.document import Document
from tocsin.spec import Dashboard, Journey, Notifications, Platform, Service, Sla

Definition = Dashboard | Journey | Notifications | Platform | Service | Sla


@dataclass(frozen=True, slots=True)
class Source:
    """One file's text; *path* is what findings print."""

    path: str
    text: str


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

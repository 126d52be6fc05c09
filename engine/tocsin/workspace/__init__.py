"""Files to one Workspace: every document read, every reference resolved, every finding kept."""

from tocsin.workspace.model import Source, Workspace
from tocsin.workspace.read import read_workspace
from tocsin.workspace.templates import with_uses

__all__ = ["Source", "Workspace", "read_workspace", "with_uses"]

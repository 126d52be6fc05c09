"""Compile targets: each renders a Plan and its Workspace as Artifacts."""

from collections.abc import Callable, Mapping

from tocsin.plan import Plan
from tocsin.targets.artifact import Artifact
from tocsin.targets.prometheus import prometheus
from tocsin.workspace import Workspace

__all__ = ["TARGETS", "Artifact", "Target"]

Target = Callable[[Plan, Workspace], tuple[Artifact, ...]]

TARGETS: Mapping[str, Target] = {"prometheus": prometheus}
"""Every target that `tocsin compile` writes, each below a folder of its own name."""

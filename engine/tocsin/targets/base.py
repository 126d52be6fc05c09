"""What a compile target is: a function to Artifacts, when it is wanted, and what it cannot say."""

from collections.abc import Callable
from dataclasses import dataclass

from tocsin.diagnostics import Diagnostic
from tocsin.plan import Plan
from tocsin.targets.artifact import Artifact
from tocsin.workspace import Workspace


def always(_workspace: Workspace) -> bool:
    """Written for every workspace."""
    return True


def only_when_asked(_workspace: Workspace) -> bool:
    """Written for `--target` alone."""
    return False


def _nothing(_plan: Plan, _workspace: Workspace) -> tuple[Diagnostic, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Target:
    """A format of output.

    *render* gives its files, all below a folder of the target's name; *wanted* says whether a workspace has what it is
    made of, so that it is written without being asked for; *findings* are what the format cannot say.
    """

    render: Callable[[Plan, Workspace], tuple[Artifact, ...]]
    wanted: Callable[[Workspace], bool] = only_when_asked
    findings: Callable[[Plan, Workspace], tuple[Diagnostic, ...]] = _nothing

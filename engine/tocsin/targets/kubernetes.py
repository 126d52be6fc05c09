"""`PrometheusRule` objects for the Prometheus operator, one per service, split where the operator would refuse one.

The operator puts the groups of one object into one entry of a ConfigMap and refuses what is longer than half of what
a Secret may hold. https://github.com/prometheus-operator/prometheus-operator, `pkg/operator/rules.go`
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter

from tocsin.diagnostics import Diagnostic
from tocsin.plan import Plan, RuleGroup
from tocsin.ports import Labels, labels_of
from tocsin.spec import Kubernetes
from tocsin.targets.artifact import Artifact, header
from tocsin.targets.prometheus import rule_groups, sources
from tocsin.targets.yaml_text import scalar
from tocsin.workspace import Workspace

MOST_BYTES = 512 * 1024
"""What the operator takes: `MaxConfigMapDataSize`, half of `v1.MaxSecretSize`."""

LONGEST_NAME = 253
"""A DNS subdomain, as names of objects are. https://kubernetes.io/docs/concepts/overview/working-with-objects/names/"""

_MANAGED = (("app.kubernetes.io/managed-by", "tocsin"),)
_OVERHEAD = len("groups:\n")


def has_kubernetes(workspace: Workspace) -> bool:
    """Whether the Platform says that there is a Kubernetes."""
    return workspace.platform is not None and workspace.platform.kubernetes is not None


def kubernetes(plan: Plan, workspace: Workspace) -> tuple[Artifact, ...]:
    """All objects, sorted by path."""
    settings = (workspace.platform and workspace.platform.kubernetes) or Kubernetes()
    return tuple(
        sorted(
            Artifact(f"kubernetes/{name}.yml", _object(name, part, settings))
            for stem, groups in groupby(sorted(plan.groups, key=attrgetter("file")), attrgetter("file"))
            for name, part in _named(stem, tuple(groups))
        )
    )


def too_large(plan: Plan, _workspace: Workspace) -> tuple[Diagnostic, ...]:
    """The groups that no object can hold; rules of one group see each other's results, so it is not split."""
    return tuple(
        Diagnostic(
            "kubernetes/size",
            group.rules[0].source,
            f"rule group {group.name} is {_size(group)} bytes long, and the Prometheus operator refuses more than "
            f"{MOST_BYTES}",
            hint="put some of its alerts into a group of their own, or into another service",
        )
        for group in plan.groups
        if _size(group) + _OVERHEAD > MOST_BYTES
    )


def _size(group: RuleGroup) -> int:
    """How long the group is in our spelling; the operator writes no comments, so its own is never longer."""
    return len("".join(rule_groups([group])).encode())


def _named(stem: str, groups: tuple[RuleGroup, ...]) -> Iterator[tuple[str, tuple[RuleGroup, ...]]]:
    """Names of objects with their groups; services have names that are DNS labels already, though maybe long ones."""
    parts = tuple(_parts(groups))
    for number, part in enumerate(parts, start=1):
        end = f"-{number}" if len(parts) > 1 else ""
        yield f"tocsin-{stem}"[: LONGEST_NAME - len(end)].rstrip("-") + end, part


def _parts(groups: tuple[RuleGroup, ...]) -> Iterator[tuple[RuleGroup, ...]]:
    part: list[RuleGroup] = []
    size = _OVERHEAD
    for group in groups:
        more = _size(group)
        if part and size + more > MOST_BYTES:
            yield tuple(part)
            part, size = [], _OVERHEAD
        part.append(group)
        size += more
    if part:
        yield tuple(part)


def _object(name: str, groups: tuple[RuleGroup, ...], settings: Kubernetes) -> str:
    labels = labels_of(dict(settings.labels) | dict(_MANAGED))
    namespace = f"  namespace: {scalar(settings.namespace)}\n" if settings.namespace else ""
    return (
        f"{header(sources(groups))}"
        "apiVersion: monitoring.coreos.com/v1\n"
        "kind: PrometheusRule\n"
        "metadata:\n"
        f"  name: {scalar(name)}\n"
        f"{namespace}"
        "  labels:\n"
        f"{''.join(_labels(labels))}"
        "spec:\n"
        "  groups:\n"
        f"{''.join(_indented(rule_groups(groups)))}"
    )


def _labels(labels: Labels) -> Iterator[str]:
    return (f"    {scalar(name)}: {scalar(value)}\n" for name, value in labels)


def _indented(chunks: Iterable[str]) -> Iterator[str]:
    """Two further; a literal block takes its indentation from its first line, so its text stays the same."""
    for chunk in chunks:
        for line in chunk.splitlines(keepends=True):
            yield line if line == "\n" else f"  {line}"

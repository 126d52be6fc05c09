"""Names that other programs allow, made into names of the language; each stays recognisable and unique."""

import re
from collections.abc import Container


def service_name(text: str) -> str:
    """Lower-case letters, digits and dashes.

    >>> service_name("KubeStateMetrics"), service_name("node.rules_v2"), service_name("--")
    ('kube-state-metrics', 'node-rules-v2', 'imported')
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", text)
    return re.sub(r"[^a-z0-9]+", "-", spaced.lower()).strip("-") or "imported"


def alert_key(text: str) -> str:
    """Letters, digits and underscores.

    >>> alert_key("High CPU-usage (new)"), alert_key("5xx"), alert_key("Tổng")
    ('HighCPUUsage_new', '_5xx', 'T_ng')
    """
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        return text
    joined = re.sub(r"[ \t-]+(\w?)", lambda match: match[1].upper(), text.strip(" \t-"))
    key = re.sub(r"[^A-Za-z0-9_]+", "_", joined).rstrip("_")
    return key if re.match(r"[A-Za-z_]", key) else f"_{key}"


def unique(name: str, taken: Container[str], *more: str, joint: str = "_") -> str:
    """Make *name* one that is not *taken*: by a word of *more* where that helps, else by a number.

    >>> unique("DiskFull", {"DiskFull"}, "warning"), unique("a", {"a", "a-2"}, joint="-")
    ('DiskFull_warning', 'a-3')
    """
    for word in ("", *more):
        candidate = f"{name}{joint}{word}" if word else name
        if candidate not in taken:
            return candidate
    number = 2
    while f"{name}{joint}{number}" in taken:
        number += 1
    return f"{name}{joint}{number}"


_SEVERITIES = {
    "critical": (
        "critical", "page", "pager", "error", "err", "emergency", "emerg", "fatal", "high", "major", "disaster",
        "severe", "blocker", "urgent", "alert", "crit", "p0", "p1", "sev0", "sev1", "sev-1", "s1",
    ),
    "warning": (
        "warning", "warn", "ticket", "minor", "medium", "moderate", "average", "p2", "p3", "sev2", "sev3", "sev-2",
        "s2", "s3", "slack",
    ),
    "info": (
        "info", "information", "informational", "notice", "notify", "debug", "low", "none", "p4", "p5", "sev4", "s4",
    ),
}  # fmt: skip
_BY_WORD = {word: severity for severity, words in _SEVERITIES.items() for word in words}


def severity(text: str) -> str | None:
    """The severity that somebody's word stands for, if it is one that people use.

    >>> severity("page"), severity("SEV1"), severity("{{ $labels.severity }}")
    ('critical', 'critical', None)
    """
    return _BY_WORD.get(text.strip().lower())

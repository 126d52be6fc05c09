"""`inhibit`: while one alert fires, others have nothing to add."""

from tocsin.diagnostics import Severity
from tocsin.matchers import Matchers, choices, contradiction, implied
from tocsin.spec.notifications import Inhibit
from tocsin.spec.readers.matchers import read_conditions
from tocsin.spec.readers.node import Node


def read_inhibit(node: Node) -> Inhibit:
    """Read one; what can never hold, or mutes everything, becomes a finding."""
    source = read_conditions(node["source"], node["source_matchers"])
    target = read_conditions(node["target"], node["target_matchers"])
    made = Inhibit(source, target, node["equal"].texts(), node.span)
    for key, matchers in (("source", source), ("target", target)):
        if not matchers and key not in node and f"{key}_matchers" not in node:
            node.report("inhibit/side", f"it does not say which alerts are its {key}", f"add {key} or {key}_matchers")
            return made
    _applies(node, made)
    return made


def _applies(node: Node, rule: Inhibit) -> None:
    for key, matchers in (("source", rule.source), ("target", rule.target)):
        if label := contradiction(matchers):
            _never(node, f"no alert is its {key}: no value of {label} is all that is asked of it")
            return
    for label in rule.equal:
        of_source, of_target = choices(rule.source, label), choices(rule.target, label)
        if of_source is not None and of_target is not None and not of_source & of_target:
            _never(node, f"{label} has to be equal, and source and target ask for different values")
            return
    if implied(rule.source, rule.target) and implied(rule.target, rule.source):
        message = "its source and its target are the same alerts, and none of them mutes another of them"
        _never(node, message, "ask the target for something that the source does not have")
    elif not rule.equal and _everything(rule.target) and not _everything(rule.source):
        node.report(
            "inhibit/everything",
            "while one such alert fires, no other one is told, whatever it is about",
            "add equal: [service], or say which alerts are its target",
            severity=Severity.WARNING,
        )
    elif not rule.equal and _by_severity(rule.source) and _by_severity(rule.target):
        node.report(
            "inhibit/everything",
            "while one such alert fires, none of its target is told, whatever service it is of",
            "add equal: [service], or what else both have in common",
            severity=Severity.WARNING,
        )


def _by_severity(matchers: Matchers) -> bool:
    return {matcher.name for matcher in matchers} == {"severity"}


def _everything(matchers: Matchers) -> bool:
    return implied(matchers, ())


def _never(node: Node, message: str, hint: str | None = None) -> None:
    node.report("inhibit/never", f"this inhibition never applies: {message}", hint, severity=Severity.WARNING)

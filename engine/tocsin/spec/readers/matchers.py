"""Matchers of alerts: labels with their values, and Alertmanager's texts beside them."""

from tocsin.matchers import MatcherError, Matchers, equal, parse_matchers
from tocsin.spec.readers.node import Node


def read_matchers(node: Node) -> Matchers:
    """The matchers of a list of texts; what is no matcher is told at the place inside its text."""
    found: Matchers = ()
    for entry in node.elements():
        if isinstance(entry.value, str):
            try:
                found += parse_matchers(entry.value)
            except MatcherError as error:
                hint = """as in 'severity=~"critical|warning"'"""
                entry.report_inside("matcher/syntax", str(error), hint, error.position, error.position + 1)
    return found


def parsed(node: Node) -> bool:
    """Whether it is a text that can be read."""
    try:
        return isinstance(node.value, str) and bool(parse_matchers(node.value))
    except MatcherError:
        return False


def read_conditions(labels: Node, matchers: Node) -> Matchers:
    """All that a map of labels and a list of matchers ask for."""
    return (*equal(dict(labels.labels())), *read_matchers(matchers))

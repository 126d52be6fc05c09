"""The series that expressions read: their selectors, and labels that satisfy some of them and no other."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tocsin.ports import Labels, labels_of
from tocsin.promql import label_value
from tocsin.promql_syntax import Fault, nodes, parse
from tocsin.promql_syntax import Selector as SelectorNode
from tocsin.proofs.regex import example

_POOL = ("ok", "200", "0", "x", "y", "")
"""Values that are tried where nothing in particular is asked for; the last one is a label that is not there."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label."""

    label: str
    op: str
    value: str

    def accepts(self, value: str) -> bool:
        """Whether a label with *value* satisfies it; Prometheus matches regular expressions whole."""
        if self.op in {"=", "!="}:
            return (value == self.value) == (self.op == "=")
        try:
            found = re.fullmatch(self.value, value, re.DOTALL) is not None
        except re.error:
            return False
        return found == (self.op == "=~")


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric (or the empty string) and the conditions on its labels."""

    name: str
    matchers: tuple[Matcher, ...]

    def accepts(self, name: str, labels: Labels) -> bool:
        """Whether it finds a series."""
        known = dict(labels)
        return (not self.name or self.name == name) and all(
            m.accepts(name if m.label == "__name__" else known.get(m.label, "")) for m in self.matchers
        )


def selectors(text: str) -> tuple[Selector, ...]:
    """Every selector of a PromQL text, in order, each once.

    >>> [s.name for s in selectors('sum by (le) (rate(a_bucket{job="x"}[5m])) / on(job) group_left b offset 5m')]
    ['a_bucket', 'b']
    """
    tree = parse(text)
    found = () if isinstance(tree, Fault) else nodes(tree)
    return tuple(dict.fromkeys(read_selector(node) for node in found if isinstance(node, SelectorNode)))


def read_selector(node: SelectorNode) -> Selector:
    """The selector of a tree, without its place."""
    matchers = (Matcher(*m.said) for m in node.matchers)
    return Selector(node.metric or "", tuple(m for m in matchers if (m.label, m.op) != ("__name__", "=")))


def series_for(
    wanted: Sequence[Selector], unwanted: Sequence[Selector] = (), more: Labels = (), name: str = ""
) -> tuple[str, Labels] | None:
    """Name and labels of a series that all *wanted* selectors find and no *unwanted* one; None where none is found.

    *more* are labels that it shall have as well, where nothing speaks against it.
    """
    name = next((each.name for each in wanted if each.name), name)
    if not name or any(each.name not in {"", name} for each in wanted):
        return None
    conditions = [matcher for each in wanted for matcher in each.matchers]
    labels = dict(more)
    for label in dict.fromkeys(m.label for m in conditions):
        mine = [m for m in conditions if m.label == label]
        value = next((v for v in _values(mine, labels.get(label)) if all(m.accepts(v) for m in mine)), None)
        if value is None:
            return None
        labels[label] = value
    for selector in unwanted:
        if selector.accepts(name, _set(labels)) and not _escape(labels, selector, conditions, name):
            return None
    found = _set(labels)
    return (name, found) if all(each.accepts(name, found) for each in wanted) else None


def another(
    series: tuple[str, Labels], wanted: Sequence[Selector], unwanted: Sequence[Selector] = (), kept: Sequence[str] = ()
) -> Labels:
    """The labels of *series* with another value that the regular expressions of *wanted* find, but for those *kept*.

    Where there is no such value they are what they were.
    """
    name, labels = series
    for matcher in (m for each in wanted for m in each.matchers if m.op == "=~" and m.label not in kept):
        for value in (*_choices(matcher.value), example(matcher.value, "y3")):
            other = _set({**dict(labels), matcher.label: value or ""})
            alone = not any(each.accepts(name, other) for each in unwanted)
            if value and other != labels and alone and all(each.accepts(name, other) for each in wanted):
                return other
    return labels


def _escape(labels: dict[str, str], selector: Selector, conditions: Sequence[Matcher], name: str) -> bool:
    """Change one label so that *selector* does not find the series any more."""
    for label in dict.fromkeys(m.label for m in selector.matchers):
        mine = [m for m in conditions if m.label == label]
        against = [m for m in selector.matchers if m.label == label]
        for value in (*_values(mine, None), *refused(against)):
            if all(m.accepts(value) for m in mine) and not all(m.accepts(value) for m in against):
                labels[label] = value
                return not selector.accepts(name, _set(labels))
    return False


def _values(conditions: Iterable[Matcher], first: str | None) -> Iterator[str]:
    """Values that may satisfy *conditions*, the most telling ones first."""
    if first is not None:
        yield first
    for matcher in conditions:
        if matcher.op == "=":
            yield matcher.value
        elif matcher.op == "=~":
            yield from _choices(matcher.value)
    yield from _POOL


def refused(conditions: Iterable[Matcher]) -> Iterator[str]:
    """Values that a negative one of *conditions* names."""
    for matcher in conditions:
        if matcher.op == "!=":
            yield matcher.value
        elif matcher.op == "!~":
            yield from _choices(matcher.value)


def _choices(pattern: str) -> Iterator[str]:
    """An example of the whole and one of each alternative, so that another condition may refuse some."""
    whole = example(pattern)
    if whole is not None:
        yield whole
    for part in pattern.split("|"):
        value = example(part.strip("()"))
        if value is not None:
            yield value


def _set(labels: dict[str, str]) -> Labels:
    return labels_of({label: value for label, value in labels.items() if value})


def written(name: str, labels: Labels) -> str:
    """A series as promtool reads it.

    >>> written("up", (("job", "x"),))
    'up{job="x"}'
    """
    return name + "{" + ",".join(f"{label}={label_value(value)}" for label, value in labels) + "}"

"""What live checks ask: every selector of the workspace once, many in one query.

A server that does not answer ends all of it (SourceUnreachableError passes through). A single question that it cannot
answer leaves out what it was about.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from inspect import getdoc
from typing import TypeVar

from tocsin.checks.base import Subject
from tocsin.diagnostics import Diagnostic
from tocsin.errors import SourceError, SourceUnreachableError
from tocsin.expressions import Expression
from tocsin.plan import RecordingRule
from tocsin.ports import LiveSource
from tocsin.promql_syntax import Selector, canonical, nodes

BATCH = 40
"""Selectors in one query: fewer questions, and still a query that people can read in a log."""
_NUMBER = "tocsin"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Use:
    """A selector where it stands; *text* is its one spelling, *metric* what is really there for a histogram."""

    text: str
    metric: str
    selector: Selector
    expression: Expression


@dataclass
class Live:
    """The workspace and the server that its metrics live on; *at* is now."""

    subject: Subject
    source: LiveSource
    at: datetime
    _counts: dict[str, float] = field(default_factory=dict)
    _values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _failed: set[str] = field(default_factory=set)

    @cached_property
    def uses(self) -> tuple[Use, ...]:
        """Every selector that names its metric, in file order; not of series that the workspace records itself."""
        own = {
            rule.record for group in self.subject.plan.groups for rule in group.rules if isinstance(rule, RecordingRule)
        }
        return tuple(use for use in _uses(self.subject) if use.metric not in own)

    def first(self) -> Iterator[Use]:
        """Each selector once, where it stands first."""
        seen: dict[str, Use] = {}
        for use in self.uses:
            seen.setdefault(use.text, use)
        return iter(seen.values())

    def counts(self, texts: Iterable[str]) -> Mapping[str, float]:
        """How many series each expression has now; one that the server could not evaluate is left out."""
        wanted = list(dict.fromkeys(texts))
        asked = [text for text in wanted if text not in self._counts and text not in self._failed]
        for start in range(0, len(asked), BATCH):
            self._count(asked[start : start + BATCH])
        return {text: self._counts[text] for text in wanted if text in self._counts}

    def _count(self, texts: list[str]) -> None:
        query = " or ".join(
            f'label_replace(count({text}), "{_NUMBER}", "{number}", "", "")' for number, text in enumerate(texts)
        )
        try:
            rows = self.source.instant(query, self.at).rows
        except SourceUnreachableError:
            raise
        except SourceError:
            if len(texts) == 1:
                self._failed.add(texts[0])
                return
            middle = len(texts) // 2  # one of them is too much for the server: find it
            self._count(texts[:middle])
            self._count(texts[middle:])
            return
        found = {dict(row.labels).get(_NUMBER, ""): row.value for row in rows}
        self._counts |= {text: found.get(str(number), 0.0) for number, text in enumerate(texts)}

    def values(self, label: str, text: str) -> tuple[str, ...]:
        """The values of *label* among the series of an expression, the most frequent first; none where it fails."""
        query = f"count by ({label}) ({text})"
        if query not in self._values:
            answer = self._ask(lambda: self.source.instant(query, self.at))
            pairs = sorted((-row.value, dict(row.labels).get(label, "")) for row in (answer.rows if answer else ()))
            self._values[query] = tuple(value for _, value in pairs if value)
        return self._values[query]

    def labels(self, metric: str) -> tuple[str, ...]:
        """The labels of the series of *metric*; none where the server cannot tell."""
        return self._ask(lambda: self.source.labels(metric)) or ()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The metrics of the server; none where it cannot tell."""
        return self._ask(self.source.names) or ()

    @cached_property
    def types(self) -> Mapping[str, frozenset[str]]:
        """The types of metrics as targets tell them; none where it cannot tell."""
        return self._ask(self.source.types) or {}

    @staticmethod
    def _ask(question: Callable[[], T]) -> T | None:
        """The answer; None where this question failed alone."""
        try:
            return question()
        except SourceUnreachableError:
            raise
        except SourceError:
            return None


def _uses(subject: Subject) -> Iterator[Use]:
    for expression, tree in subject.trees:
        suffix = _suffix(expression)
        for node in nodes(tree):
            if isinstance(node, Selector) and node.metric is not None:
                plain = replace(node, offset=None, at=None, extended="")
                if suffix and node.name is not None:
                    plain = replace(plain, name=replace(node.name, value=node.metric + suffix))
                yield Use(canonical(plain), node.metric + suffix, node, expression)


def _suffix(expression: Expression) -> str:
    """A latency names a histogram by its base name; what is there are its series."""
    path = expression.path
    if path[:1] == ("slis",) and path[2:] == ("latency", "histogram"):
        return "" if expression.document.at((*path[:3], "native")) is True else "_bucket"
    return ""


@dataclass(frozen=True, slots=True)
class LiveCheck:
    """One kind of mistake that only a server shows; the docstring of *run* is its manual page."""

    code: str
    run: Callable[[Live], Iterator[Diagnostic]]

    @property
    def manual(self) -> str:
        """What it finds, why that is a mistake, and what to write instead."""
        return getdoc(self.run) or ""


def live_check(code: str) -> Callable[[Callable[[Live], Iterator[Diagnostic]]], LiveCheck]:
    """Make a live check out of a function; it runs once it is listed in `LIVE_CHECKS`."""
    return lambda run: LiveCheck(code, run)

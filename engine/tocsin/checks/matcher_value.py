"""matcher/value."""

import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.document import Json, Path
from tocsin.matchers import LabelMatcher, MatcherError, choices, parse_matchers

PARTS = ("routes", "inhibit", "maintenance", "page_budgets")
MAPS = ("match", "source", "target")
TEXTS = ("matchers", "source_matchers", "target_matchers")
SEVERITIES = frozenset({"critical", "warning", "info"})
_PATTERN = re.compile(r"[\w.-]+(\|[\w.-]+)+|.*\.[*+].*")
_LETTERS = re.compile(r"[A-Za-z]+")
SHORTEST, ALIKE = 4, 0.8
"""A word of fewer letters is like too many others; one letter of five is another one."""
MOST_COMPARED = 200
"""Where a label has more values, none of them is proposed."""


@check("matcher/value")
def matcher_value(subject: Subject) -> Iterator[Diagnostic]:
    """A matcher asks for a value that an alert can have.

    `=` compares texts: `severity="critical|warning"` is fulfilled by no alert, a pattern needs `=~`. A value that no
    definition gives, but one that is spelt much like it, is told, too: a route for `critcal` takes nothing, and nobody
    notices before the night on which it should have.

    Bad: `match: {severity: critical|warning}`

    Good: `matchers: ['severity=~"critical|warning"']`
    """
    known = _known(subject)
    for document in (subject.workspace.documents or {}).values():
        if document.at(("kind",)) != "Notifications":
            continue
        for path, matcher in _matchers(document.value):
            span = document.span(path)
            if not matcher.regular and _PATTERN.fullmatch(matcher.value):
                made = LabelMatcher(matcher.name, matcher.value, regular=True, negated=matcher.negated)
                message = f"{matcher} compares with this very text, which is no pattern here"
                hint = f"write matchers: ['{made}']" if path[-2] in MAPS else f"write {made}"
                yield Diagnostic("matcher/value", span, message, Severity.WARNING, hint=hint)
                continue
            for value in sorted(_values(matcher)):
                if near := _near(value, known.get(matcher.name, frozenset())):
                    message = f'no definition gives an alert {matcher.name}="{value}"'
                    hint = f"did you mean {near}?"
                    yield Diagnostic("matcher/value", span, message, Severity.WARNING, hint=hint)


def _known(subject: Subject) -> Mapping[str, frozenset[str]]:
    """The values that definitions give to labels of alerts; those of templates nobody knows."""
    found: dict[str, set[str]] = {"severity": {*SEVERITIES}, "service": {"tocsin"}}
    for rule in subject.plan.alerts():
        for name, value in (("alertname", rule.alert), *rule.labels):
            found.setdefault(name, set()).add(value)
    found["service"] |= {service.name for service in subject.workspace.services}
    found["service"] |= {journey.name for journey in subject.workspace.journeys}
    return {name: frozenset(values) for name, values in found.items() if not any("{{" in value for value in values)}


def _matchers(value: Json) -> Iterator[tuple[Path, LabelMatcher]]:
    """Every matcher of a document with its place."""
    if isinstance(value, Mapping):
        for part in PARTS:
            yield from _below(value.get(part), (part,))


def _below(value: Json, path: Path) -> Iterator[tuple[Path, LabelMatcher]]:
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from _below(each, (*path, index))
    elif isinstance(value, Mapping):
        for key, each in value.items():
            if key in MAPS and isinstance(each, Mapping):
                pairs = ((label, text) for label, text in each.items() if isinstance(text, str))
                yield from (((*path, key, label), LabelMatcher(label, text)) for label, text in pairs)
            elif key in TEXTS and isinstance(each, list):
                for index, text in enumerate(each):
                    yield from (((*path, key, index), matcher) for matcher in _parsed(text))
            else:
                yield from _below(each, (*path, key))


def _parsed(text: Json) -> tuple[LabelMatcher, ...]:
    try:
        return parse_matchers(text) if isinstance(text, str) else ()
    except MatcherError:
        return ()  # told where it is read


def _values(matcher: LabelMatcher) -> frozenset[str]:
    """The values that it names, where they can be told."""
    if not matcher.regular:
        return frozenset((matcher.value,))
    return choices((LabelMatcher(matcher.name, matcher.value, regular=True),), matcher.name) or frozenset()


def _near(value: str, known: frozenset[str]) -> str | None:
    """The known value of which one word is spelt otherwise here; all else, numbers too, is the same."""
    if value in known or len(known) > MOST_COMPARED:
        return None
    return next((each for each in sorted(known) if _misspelt(value, each)), None)


def _misspelt(value: str, known: str) -> bool:
    if _LETTERS.sub("", value) != _LETTERS.sub("", known):
        return False
    words = zip(_LETTERS.findall(value), _LETTERS.findall(known), strict=False)
    others = [(a, b) for a, b in words if a != b]
    if len(others) != 1 or min(map(len, others[0])) < SHORTEST:
        return False
    a, b = others[0]
    return a.lower() == b.lower() or SequenceMatcher(None, a, b).ratio() >= ALIKE

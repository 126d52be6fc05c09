"""Label matchers as Alertmanager has them: `severity="critical"`, `pod!~"canary-.*"`.

Patterns are RE2's and match the whole value; a label that is not there has the value "". RE2 takes time in proportion
to the text, so no pattern from a request can hold up a tick.
https://prometheus.io/docs/alerting/latest/configuration/#matcher
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_OPERATOR = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|!~|!=|=)\s*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_BARE = re.compile(r'[^\s,{}"][^,{}"]*')
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}
_WORDS = re.compile(r"[\w\- /:@]*(\|[\w\- /:@]*)*")
"""Alternatives without anything that means more than itself."""


class MatcherError(ValueError):
    """A text that is no matcher; *position* is where in it reading stopped."""

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.position = position


@dataclass(frozen=True, slots=True, order=True)
class LabelMatcher:
    """One condition on one label."""

    name: str
    value: str
    regular: bool = False
    negated: bool = False

    def __post_init__(self) -> None:
        if self.regular:
            _pattern(self.value)

    @property
    def operator(self) -> str:
        """As it is written between name and value.

        >>> LabelMatcher("a", "b", regular=True, negated=True).operator
        '!~'
        """
        return {(False, False): "=", (False, True): "!=", (True, False): "=~", (True, True): "!~"}[
            self.regular, self.negated
        ]

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether *labels* fulfil it."""
        value = labels.get(self.name, "")
        met = _pattern(self.value).fullmatch(value) is not None if self.regular else value == self.value
        return met is not self.negated

    def __str__(self) -> str:
        text = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.name}{self.operator}"{text}"'


Matchers = tuple[LabelMatcher, ...]


def equal(labels: Mapping[str, str]) -> Matchers:
    """Matchers that each label has its value, in order of names."""
    return tuple(LabelMatcher(name, value) for name, value in sorted(labels.items()))


def fulfilled(matchers: Iterable[LabelMatcher], labels: Mapping[str, str]) -> bool:
    """Whether *labels* fulfil all of them."""
    return all(matcher.holds(labels) for matcher in matchers)


def parse_matchers(text: str) -> Matchers:
    """Read one or several matchers, apart by commas, with or without braces; raises MatcherError.

    >>> [str(m) for m in parse_matchers('{severity=~"critical|warning", team=ops}')]
    ['severity=~"critical|warning"', 'team="ops"']
    """
    body, shift = text.rstrip(), 0
    if body.lstrip().startswith("{"):
        if not body.endswith("}"):
            raise MatcherError("the closing brace is missing", len(body))
        shift = body.index("{") + 1
        body = body[shift:-1]
    found: list[LabelMatcher] = []
    at = 0
    while body[at:].strip():
        matcher, at = _one(body, at, shift)
        found.append(matcher)
        rest = body[at:].lstrip()
        if rest.startswith(","):
            at = len(body) - len(rest) + 1
        elif rest:
            raise MatcherError("a comma is expected here", shift + len(body) - len(rest))
    if not found:
        raise MatcherError('a matcher such as severity="critical" is expected', shift)
    return tuple(found)


def _one(body: str, at: int, shift: int) -> tuple[LabelMatcher, int]:
    head = _OPERATOR.match(body, at)
    if head is None:
        raise MatcherError("a label name and one of =, !=, =~, !~ are expected", shift + at)
    name, operator = head.groups()
    quoted, bare = _QUOTED.match(body, head.end()), _BARE.match(body, head.end())
    if quoted is not None:
        value, end = re.sub(r"\\(.)", lambda e: _ESCAPES.get(e[1], e[0]), quoted[1], flags=re.DOTALL), quoted.end()
    elif bare is not None:
        value, end = bare[0].rstrip(), bare.end()
    elif not body[head.end() :].strip(" ,"):
        value, end = "", head.end()
    else:
        raise MatcherError("the value is not closed", shift + head.end())
    try:
        return LabelMatcher(name, value, operator.endswith("~"), operator.startswith("!")), end
    except MatcherError as error:
        raise MatcherError(str(error), shift + head.end()) from None


def implied(matchers: Matchers, by: Matchers) -> bool:
    """Whether all that fulfils *by* certainly fulfils *matchers*; False also where that cannot be told.

    >>> narrow = parse_matchers('severity="critical",team="db"')
    >>> implied(parse_matchers('severity=~"critical|warning"'), narrow), implied(narrow, narrow[:1])
    (True, False)
    """
    return implies(by)(matchers)


def implies(by: Matchers) -> Callable[[Matchers], bool]:
    """`implied` for many matchers of the same *by*."""
    certain = frozenset(by)
    allowed = {name: choices(by, name) for name in {matcher.name for matcher in by}}

    def always(matcher: LabelMatcher) -> bool:
        values = allowed.get(matcher.name)
        return values is not None and all(matcher.holds({matcher.name: value}) for value in values)

    return lambda matchers: all(matcher in certain or always(matcher) for matcher in matchers)


def contradiction(matchers: Matchers) -> str | None:
    """The label for which no value fulfils all of *matchers*, where that can be told.

    >>> contradiction(parse_matchers('severity="info",severity=~"critical|warning"'))
    'severity'
    """
    names = dict.fromkeys(matcher.name for matcher in matchers)
    return next((name for name in names if choices(matchers, name) == frozenset()), None)


def choices(matchers: Matchers, name: str) -> frozenset[str] | None:
    """The values that the label *name* may have under *matchers*; None where they are not listed.

    >>> sorted(choices(parse_matchers('severity=~"critical|warning",severity!="warning"'), "severity") or ())
    ['critical']
    """
    mine = [matcher for matcher in matchers if matcher.name == name]
    listed = [found for found in map(_listed, mine) if found is not None]
    if not listed:
        return None
    return frozenset(value for value in listed[0] if fulfilled(mine, {name: value}))


def _listed(matcher: LabelMatcher) -> frozenset[str] | None:
    if matcher.negated:
        return None
    if not matcher.regular:
        return frozenset((matcher.value,))
    return frozenset(matcher.value.split("|")) if _WORDS.fullmatch(matcher.value) else None


@lru_cache(maxsize=1024)
def _pattern(text: str) -> Any:
    import re2  # noqa: PLC0415 - 20 ms, which a workspace without patterns need not wait for

    quiet = re2.Options()
    quiet.log_errors = False
    try:
        return re2.compile(text, quiet)
    except re2.error as error:
        why = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise MatcherError(f"{text!r} is no regular expression: {why}") from None

"""Templates in texts of alerts: `{{ value | percent }}` and `{{ labels.job }}`, for Prometheus and for the evaluator.

Prometheus' own spelling (`{{ $value | humanizePercentage }}`, `{{ $labels.job }}`) means the same.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_HOLE = re.compile(r"\{\{(.*?)\}\}|\{\{", re.DOTALL)
_WORDS = re.compile(r"\s*(\$)?(?:(value)|labels\.([A-Za-z_][A-Za-z0-9_]*))\s*(?:\|\s*([A-Za-z]+)\s*)?")
SHAPES = {
    "number": "humanize",
    "percent": "humanizePercentage",
    "duration": "humanizeDuration",
    "humanize": "humanize",
    "humanizePercentage": "humanizePercentage",
    "humanizeDuration": "humanizeDuration",
}
"""How a value may be shaped, and Prometheus' name for it."""


@dataclass(frozen=True, slots=True)
class Hole:
    """One `{{ … }}`: the name of a *label*, or None for the value in one of the SHAPES.

    *own* marks Prometheus' spelling with a `$`.
    """

    label: str | None
    shape: str | None
    own: bool


@dataclass(frozen=True, slots=True)
class Misfit:
    """A stretch [start, end) of a template that means nothing."""

    start: int
    end: int
    message: str
    hint: str


def parts(template: str) -> Iterator[str | Hole | Misfit]:
    """The plain texts and the holes of *template*, in order; joined, the plain texts and misfits are all of it."""
    position = 0
    for match in _HOLE.finditer(template):
        if match.start() > position:
            yield template[position : match.start()]
        position = match.end()
        yield _hole(match)
    if position < len(template):
        yield template[position:]


def _hole(match: re.Match[str]) -> Hole | Misfit:
    start, end = match.span()
    if match[1] is None:
        return Misfit(start, end, "this '{{' is never closed", "close it with '}}'")
    words = _WORDS.fullmatch(match[1])
    allowed = "write {{ value }}, {{ value | percent }}, {{ value | duration }} or {{ labels.name }}"
    if words is None:
        return Misfit(start, end, f"'{match[0]}' is not a template that Tocsin knows", allowed)
    own, value, label, shape = words.groups()
    if shape is not None and (shape not in SHAPES or not value):
        return Misfit(start, end, f"'{match[0]}' shapes what cannot be shaped so", allowed)
    return Hole(None if value else label, shape, own is not None)


def misfits(template: str) -> tuple[Misfit, ...]:
    """Everything in *template* that means nothing.

    >>> [m.message for m in misfits("{{ valeu }} of {{ labels.job")]
    ["'{{ valeu }}' is not a template that Tocsin knows", "this '{{' is never closed"]
    """
    return tuple(part for part in parts(template) if isinstance(part, Misfit))


def for_prometheus(template: str, labels: Mapping[str, str]) -> str:
    """Write *template* as Prometheus reads it; *labels* are the rule's own, which `$labels` does not hold there.

    >>> for_prometheus("{{ labels.job }} of {{ labels.team }}: {{ value | percent }}", {"team": "vision"})
    '{{ $labels.job }} of vision: {{ $value | humanizePercentage }}'
    """
    return "".join(_go(part, labels) for part in parts(template))


def _go(part: str | Hole | Misfit, labels: Mapping[str, str]) -> str:
    if isinstance(part, Misfit):
        return ""
    if isinstance(part, str):
        return part
    if part.label is not None:
        own = labels.get(part.label)
        if own is None:
            return f"{{{{ $labels.{part.label} }}}}"
        return verbatim(own)
    shape = SHAPES[part.shape] if part.shape else None if part.own else "humanize"
    return f"{{{{ $value | {shape} }}}}" if shape else "{{ $value }}"


def readable(template: str) -> str:
    """Write *template* for people who look at the definition and not at an alert.

    >>> readable("{{ labels.job }} is at {{ value | percent }}")
    '<job> is at <value>'
    """
    words = (f"<{part.label or 'value'}>" if isinstance(part, Hole) else part for part in parts(template))
    return "".join(word for word in words if isinstance(word, str)).strip()


def verbatim(text: str) -> str:
    """Write *text* so that Prometheus' templates give it back as it is; it reads label values as templates, too.

    Go knows no pairs of escapes for one character, so only what has to be is escaped.

    >>> verbatim("{{x"), verbatim("plain")
    ('{{ "{{x" }}', 'plain')
    >>> print(verbatim("{{é"))
    {{ "{{é" }}
    """
    return text if "{{" not in text else f"{{{{ {json.dumps(text, ensure_ascii=False)} }}}}"

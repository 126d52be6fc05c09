"""What the YAML parser's complaints mean, in words that say what to change."""

import yaml

from tocsin.diagnostics import Diagnostic, Span
from tocsin.document.source import Source

_QUOTE = "or quote a text that contains [ ] { } or ,"
_SAID = {
    "mapping values are not allowed in this context": (
        "a ': ' is not allowed here",
        "put the value in quotes if it contains ': ', and check the indentation",
    ),
    "could not find expected ':'": ("this line is no 'key: value'", "write a ':' and a space after the key"),
    "did not find expected key": ("expected a key here", "indent it like its neighbours, close quotes above"),
    "did not find expected '-' indicator": ("expected '- ' here", "indent it like the items above"),
    "did not find expected ',' or ']'": ("expected ',' or ']'", f"close the '[', {_QUOTE}"),
    "did not find expected ',' or '}'": ("expected ',' or '}'", f"close the '{{', {_QUOTE}"),
    "found unexpected end of stream": ("this quote is never closed", "close it"),
    "found unexpected document indicator": ("this quote is never closed", "close it before the '---'"),
    "found unknown escape character": (
        "unknown escape in double quotes",
        "use single quotes, or write '\\\\' for a backslash",
    ),
    "block sequence entries are not allowed in this context": ("a list cannot start here", "start it on the next line"),
    "did not find expected <document start>": ("expected '---' or the end of the file", "indent it like the rest"),
}  # fmt: skip
_AT_CONTEXT = {"could not find expected ':'", "found unexpected end of stream", "found unexpected document indicator"}
_STARTERS = {
    "\t": ("a tab cannot indent YAML", "indent with spaces"),
    "@": ("'@' cannot start a plain text", "put it in quotes"),
    "`": ("'`' cannot start a plain text", "put it in quotes"),
    "%": ("'%' cannot start a plain text", "put it in quotes"),
}


def syntax_error(source: Source, base: int, error: yaml.MarkedYAMLError) -> tuple[Diagnostic, int]:
    """The finding for *error* of a text that starts at *base*, and the offset where reading stopped."""
    problem = (error.problem or "").strip()
    context = base + error.context_mark.index if error.context_mark else None
    stopped = base + error.problem_mark.index if error.problem_mark else (context if context is not None else base)
    place = context if context is not None and problem in _AT_CONTEXT else stopped
    place = min(place, len(source.text))
    if not source.text[place:].strip():  # at the end: where the text ends, not after the last line
        place = len(source.text.rstrip())
    char = source.text[place : place + 1]
    message, hint = _SAID.get(problem, (problem[:1].lower() + problem[1:] or "this is not YAML", None))
    if problem.startswith("found character") and "cannot start any token" in problem:
        message, hint = _STARTERS.get(char, (f"{char!r} is not allowed here", "put the text in quotes"))
    related: tuple[tuple[Span, str], ...] = ()
    if context is not None and context != place:
        related = ((source.span(context, context + 1), _context(error.context or "")),)
    width = 1 if char.strip() or char == "\t" else 0
    return Diagnostic("yaml/syntax", source.span(place, place + width), message, hint=hint, related=related), stopped


def _context(said: str) -> str:
    """What stands at the second place of an error."""
    if "flow" in said:
        return "opened here"
    return "it belongs to what starts here" if "block" in said else "here"

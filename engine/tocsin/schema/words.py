"""The words of findings: values as people wrote them, lists of alternatives, and what was probably meant."""

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence

from tocsin.document import Json

_LONGEST = 50
"""More characters are not shown, nor compared with other words."""
_TYPES = {
    "object": "a mapping", "array": "a list", "string": "a text", "number": "a number", "integer": "a whole number",
    "boolean": "true or false", "null": "nothing",
}  # fmt: skip


def shown(value: Json) -> str:
    """Show a value in a message, shortened.

    >>> shown("5x"), shown(5), shown(True), shown([1]), shown(None)
    ("'5x'", '5', 'true', 'a list', 'empty')
    """
    if value is None:
        return "empty"
    if isinstance(value, str):
        return repr(value) if len(value) <= _LONGEST else repr(value[: _LONGEST - 3] + "...")
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, Sequence):
        return "a list"
    return json.dumps(value)


def kind_of(value: Json) -> str:
    """The type of a value alone, for values that must not be shown.

    >>> kind_of("hunter2"), kind_of(5), kind_of({})
    ('a text', 'a number', 'a mapping')
    """
    if isinstance(value, str):
        return "a text"
    if isinstance(value, bool):
        return "true or false"
    return "a number" if isinstance(value, int | float) else shown(value)


def types(names: str | Iterable[str]) -> str:
    """The types a JSON Schema allows.

    >>> types(["string", "number"])
    'a text or a number'
    """
    return " or ".join(_TYPES[name] for name in ([names] if isinstance(names, str) else names))


def listed(names: Iterable[str], last: str = "or") -> str:
    """Alternatives in one sentence.

    >>> listed(["bad", "good", "total"])
    'bad, good or total'
    """
    *first, end = names
    return f"{', '.join(first)} {last} {end}" if first else end


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that *word* is probably a misspelling of.

    >>> nearest("targt", ["target", "window"]), nearest("Slos", ["slis", "slos"]), nearest("x", ["target"])
    ('target', 'slos', None)
    """
    if len(word) > _LONGEST:
        return None
    by_folded = {_folded(name): name for name in sorted(known, reverse=True) if name.isprintable()}
    close = difflib.get_close_matches(_folded(word), by_folded, n=1, cutoff=0.65)
    return by_folded[close[0]] if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A hint, if there is a good one."""
    near = nearest(word, known)
    return f"did you mean {near}?" if near is not None else None


def respelled(text: str, pattern: re.Pattern[str]) -> str | None:
    r"""How *text* would fit *pattern* with other case, dashes or spaces.

    >>> respelled("Be_Camera", re.compile(r"^[a-z-]+$")), respelled("5 m", re.compile(r"[0-9]+m"))
    ('be-camera', '5m')
    """
    lower = text.strip().lower()
    spellings = (
        text.strip(),
        re.sub(r"\s+", "", text),
        lower,
        re.sub(r"[^a-z0-9]+", "-", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", text).lower()).strip("-"),
        re.sub(r"\W+", "_", text).strip("_"),
    )
    return next((spelling for spelling in spellings if pattern.search(spelling) and spelling.isprintable()), None)


def _folded(word: str) -> str:
    return word.casefold().replace("_", "").replace("-", "")

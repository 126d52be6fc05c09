"""The words of findings: values as people wrote them, lists of alternatives, and what was probably meant."""

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence

from tocsin.diagnostics import Edit, Fix, Span
from tocsin.document import Json

_LONGEST = 50
"""More characters are not shown, nor compared with other words."""
_CERTAIN = 0.8
"""As near as this a word is changed by itself: one letter of five, two of ten."""
_APART = 0.15
"""How much nearer it has to be than any other word."""
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


def sole(word: str, known: Iterable[str]) -> str | None:
    """The known word that *word* certainly means: very near, with no second one anywhere near.

    >>> sole("targt", ["target", "window"]), sole("short", ["shirt", "sort"])
    ('target', None)
    """
    if len(word) > _LONGEST:
        return None
    folded = _folded(word)
    near = sorted(
        ((difflib.SequenceMatcher(None, _folded(name), folded).ratio(), name) for name in known if name.isprintable()),
        reverse=True,
    )
    if not near or near[0][0] < _CERTAIN or (len(near) > 1 and near[1][0] > near[0][0] - _APART):
        return None
    return near[0][1]


def respelling(span: Span, word: str, known: Iterable[str]) -> Fix | None:
    """The fix that puts the right word in the place of a misspelt one, where it is certain which that is."""
    right = sole(word, known)
    return Fix(f"write {right}", (Edit(span, right),)) if right is not None else None


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

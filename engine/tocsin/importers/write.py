"""Drafts to YAML that a person would like to edit: blocks, quotes only where they are needed, comments in place."""

import json
import re
from collections.abc import Iterator

from tocsin.document.scalars import resolve
from tocsin.importers.draft import Entry, Exactly, Inline, Listing, Mapping, Query

_INDICATORS = frozenset("-?:,[]{}#&*!|>'\"%@`=<~.")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})
_UNIT = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:%|ms|[smhdwy]|[KMGTP]?B)(?:[0-9]+(?:ms|[smhdwy]))*")
"""Percentages, durations and sizes are plain texts that begin with a digit."""
_MARGIN = re.compile(r"\A[ \t]+")
_LONG = 90
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def write(root: Mapping) -> str:
    """The text of one document, with an empty line between its parts."""
    lines: list[str] = []
    for entry in root.entries:
        block = isinstance(entry.value, Mapping | Listing)
        if lines and (block or lines[-1] == ""):
            lines.append("")
        lines += _entry(entry, 0, spaced=entry.key in {"alerts", "slis", "slos", "recordings"})
    return "\n".join(_tidy(lines + [_comment("", text) for text in root.tail])) + "\n"


def _tidy(lines: list[str]) -> Iterator[str]:
    """Never two empty lines, none at the end."""
    for number, line in enumerate(lines):
        if line or (number and lines[number - 1]):
            yield line


def _entry(entry: Entry, indent: int, *, spaced: bool = False) -> list[str]:
    pad = " " * indent
    lines = [_comment(pad, text) for text in entry.above]
    key = entry.key if entry.key == "off" else scalar(entry.key)  # a key of the language, and plain in all of its texts
    beside = f"  {_comment('', ' '.join(entry.beside))}" if entry.beside else ""
    value = entry.value
    if isinstance(value, Mapping):
        lines.append(f"{pad}{key}:{beside}")
        for number, inner in enumerate(value.entries):
            if spaced and number and (inner.above or isinstance(inner.value, Mapping)):
                lines.append("")
            lines += _entry(inner, indent + 2)
    elif isinstance(value, Listing):
        lines.append(f"{pad}{key}:{beside}")
        for number, inner in enumerate(value.entries):
            if spaced and number:
                lines.append("")
            lines += _element(inner, indent + 2)
    else:
        written = _value(value, indent + 2)
        head, *rest = written.split("\n")
        lines += [f"{pad}{key}: {head}{beside}", *rest]
    below = f"{pad}  " if isinstance(value, Mapping) else pad
    return lines + [_comment(below, text) for text in entry.below]


def _element(entry: Entry, indent: int) -> list[str]:
    pad = " " * indent
    lines = [_comment(pad, text) for text in entry.above]
    inner = [line for each in entry.inside for line in _entry(each, indent + 2)]
    first = next((number for number, line in enumerate(inner) if not line.lstrip().startswith("#")), 0)
    lines += [line[2:] for line in inner[:first]]  # comments of the first key stand above the dash
    lines += [f"{pad}- {inner[first].lstrip()}", *inner[first + 1 :]] if inner else [f"{pad}- {{}}"]
    return lines + [_comment(pad, text) for text in entry.below]


def _comment(pad: str, text: str) -> str:
    printable = "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in text).rstrip()
    return f"{pad}#{printable}"


def _value(value: str | Exactly | Query | Inline, indent: int) -> str:
    if isinstance(value, Exactly):  # digits that no number holds are a text
        return value.text if resolve(value.text)[1] is None else scalar(value.text)
    if isinstance(value, Inline):
        return _inline(value)
    if isinstance(value, Query):
        return query(value.text, indent)
    return text_block(value, indent)


def _inline(value: Inline) -> str:
    if isinstance(value.items, dict):
        return "{" + ", ".join(f"{scalar(key)}: {_flow(item)}" for key, item in value.items.items()) + "}"
    return "[" + ", ".join(_flow(item) for item in value.items) + "]"


def _flow(item: str | Exactly) -> str:
    if isinstance(item, Exactly):
        return item.text
    written = scalar(item)
    return json.dumps(item, ensure_ascii=False) if written == item and re.search(r"[,\[\]{}]", item) else written


def scalar(text: str) -> str:
    r"""Write a text on one line, plain where every reader of YAML takes it for the same text.

    >>> print(scalar("up == 0"), scalar("on"), scalar("a: b"), scalar("99.9%"), scalar("1.0"), scalar("it's \\n"))
    up == 0 "on" "a: b" 99.9% "1.0" it's \n
    """
    if _is_plain(text):
        return text
    if "'" not in text and text.isprintable() and ('"' in text or "\\" in text):
        return f"'{text}'"
    quoted = json.dumps(re.sub("[\ud800-\udfff]", "\ufffd", text), ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)


def _is_plain(text: str) -> bool:
    if not text or not text.isprintable() or text != text.strip() or text[0] in _INDICATORS:
        return False
    if ": " in text or " #" in text or text.endswith(":") or text.lower() in _WORDS:
        return False
    if text[0] in "+0123456789" and not _UNIT.fullmatch(text) and not re.search(r"[A-Za-z(].* |\(", text):
        return False
    return isinstance(resolve(text)[0], str) and resolve(text)[1] is None


def text_block(text: str, indent: int) -> str:
    r"""Write a text as it is: several lines as a literal block if that keeps every character.

    >>> print(text_block("a\n  b\n", 2))
    |
      a
        b
    """
    body = text.removesuffix("\n")
    lines = body.split("\n")
    if "\n" not in text or not _can_stand(lines):
        return scalar(text)
    pad = "\n" + " " * indent
    return ("|" if text.endswith("\n") else "|-") + "".join(pad + line if line else "\n" for line in lines)


def _can_stand(lines: list[str]) -> bool:
    readable = all(line.replace("\t", " ").isprintable() and "\ufeff" not in line for line in lines)
    return readable and bool(lines[0]) and bool(lines[-1].strip()) and lines[0][0] not in " \t"


def query(text: str, indent: int) -> str:
    """Write PromQL: on one line while it is short, else as a block; blanks around it mean nothing."""
    lines = text.strip("\n").rstrip().split("\n")
    if "`" not in text:  # such a string may hold line breaks, and then every blank counts
        lines = _dedented([_MARGIN.sub(lambda match: match[0].expandtabs(4), line.rstrip()) for line in lines])
    if len(lines) == 1 and len(lines[0]) <= _LONG and "#" not in lines[0]:
        return scalar(lines[0])
    if not _can_stand(lines):
        return text_block(text, indent)
    pad = "\n" + " " * indent
    return "|" + "".join(pad + line if line else "\n" for line in lines)


def _dedented(lines: list[str]) -> list[str]:
    """Without the blanks before the first line; others keep what they have beyond that."""
    margin = len(lines[0]) - len(lines[0].lstrip())
    return [line[min(margin, len(line) - len(line.lstrip())) :] for line in lines]

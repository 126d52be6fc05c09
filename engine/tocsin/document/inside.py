"""From characters of a string's value back to the characters of the file that stand for them.

Each YAML style folds, escapes or indents in its own way (https://yaml.org/spec/1.2.2/, chapters 7 and 8), so the
scalar is read a second time with the offset of every character kept. The result is compared with the value that the
parser gave; where they differ (which tests have not found), every character maps to the whole scalar.
"""

import re

_RUN = re.compile(r"[ \t\r\n]+")
_BREAK = re.compile(r"\r\n|\r|\n")
_HEADER = re.compile(r"[|>][^\r\n]*(?:\r\n|\r|\n|\Z)")
_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b",
    "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip
_HEX = {"x": 2, "u": 4, "U": 8}

Piece = tuple[str, int, int]
"""One character of the value, and the stretch of the file that stands for it."""


def offsets(text: str, start: int, end: int, style: str, value: str) -> tuple[list[int], list[int]]:
    """Where each character of *value* starts and ends in *text*, whose scalar stands at [start, end)."""
    readings = _block(text, start, end, style) if style in {"|", ">"} else [_flow(text, start, end, style)]
    for pieces in readings:
        if "".join(piece[0] for piece in pieces[: len(value)]) == value:
            return [piece[1] for piece in pieces[: len(value)]], [piece[2] for piece in pieces[: len(value)]]
    return [start] * len(value), [end] * len(value)


def _flow(text: str, start: int, end: int, style: str) -> list[Piece]:
    """Plain and quoted scalars: one line break folds to a space, n breaks to n - 1."""
    pieces: list[Piece] = []
    at, end = (start + 1, end - 1) if style else (start, end)
    while at < end:
        run = _RUN.match(text, at, end)
        if run is not None:
            pieces += _folded(text, at, run.end())
            at = run.end()
        elif style == '"' and text[at] == "\\":
            escaped = text[at + 1]
            if escaped in "\r\n":  # an escaped break vanishes with the blanks after it; empty lines stay
                run = _RUN.match(text, at + 1, end)
                stop = run.end() if run else at + 2
                pieces += [piece for piece in _folded(text, at + 1, stop) if piece[0] == "\n"]
                at = stop
                continue
            width = 2 + _HEX.get(escaped, 0)
            code = chr(int(text[at + 2 : at + width], 16)) if width > 2 else _ESCAPES.get(escaped, escaped)
            pieces.append((code, at, at + width))
            at += width
        else:
            width = 2 if style == "'" and text[at] == "'" else 1
            pieces.append((text[at], at, at + width))
            at += width
    return pieces


def _folded(text: str, start: int, end: int) -> list[Piece]:
    """A run of blanks and line breaks inside a flow scalar."""
    breaks = [(match.start(), match.end()) for match in _BREAK.finditer(text, start, end)]
    if not breaks:
        return [(text[at], at, at + 1) for at in range(start, end)]
    if len(breaks) == 1:
        return [(" ", *breaks[0])]
    return [("\n", *place) for place in breaks[1:]]


def _block(text: str, start: int, end: int, style: str) -> list[list[Piece]]:
    """Literal and folded scalars, read once for every indentation the content may have."""
    rest = _RUN.match(text, end)  # empty lines at the end count where the header says `+`
    end = rest.end() if rest else end
    header = _HEADER.match(text, start, end)
    body = header.end() if header else start
    lines = [(m.start(1), m.end(1), m.end(2)) for m in _LINE.finditer(text, body, end) if m.end() > m.start()]
    first = next((text[a:b] for a, b, _ in lines if text[a:b].strip(" ")), "")
    most = len(first) - len(first.lstrip(" "))
    most = most or max((b - a for a, b, _ in lines), default=0)
    return [_block_lines(text, lines, indent, style) for indent in range(most, -1, -1)]


def _block_lines(text: str, lines: list[tuple[int, int, int]], indent: int, style: str) -> list[Piece]:
    """As libyaml's scanner does it: a break folds only between two lines that start without a blank."""
    pieces: list[Piece] = []
    held: list[Piece] = []  # the break that ended the last line with content, and the empty lines after it
    broke = was_indented = False
    for start, stop, following in lines:
        at = start + min(indent, len(text[start:stop]) - len(text[start:stop].lstrip(" ")))
        ended: list[Piece] = [("\n", stop, following)] if following > stop else []
        if at == stop:
            held += ended
            continue
        indented = text[at] in " \t"
        if style == ">" and broke and held and not was_indented and not indented:
            held = held[1:] or [(" ", *held[0][1:])]
        pieces += held
        pieces += [(text[i], i, i + 1) for i in range(at, stop)]
        held, broke, was_indented = ended, bool(ended), indented
    return pieces + held

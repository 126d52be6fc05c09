"""The comments of a file, which YAML's parser drops: those of YAML, and those of PromQL inside block scalars."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from tocsin.diagnostics import Span
from tocsin.document.model import Document, Path
from tocsin.document.place import Place
from tocsin.document.source import Source

_COMMENT = re.compile(r"(?:(?<=[ \t\r\n])|\A)#([^\r\n]*)")
_HEADER = re.compile(r"[|>][^\r\n]*")
_PROMQL = re.compile(r"""#([^\n]*)|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`[^`]*`""")


@dataclass(frozen=True, slots=True)
class Comment:
    """What stands behind a `#`; *span* includes the sign, *alone* says that nothing stands before it on its line.

    *whole* is what goes when the comment goes: its line, or the blanks before it too.
    """

    text: str
    span: Span
    alone: bool
    whole: Span

    @classmethod
    def at(cls, source: Source, text: str, span: Span) -> "Comment":
        """The comment at *span*."""
        before = source.line(span.line)[: span.column - 1]
        if not before.strip():
            return cls(text, span, alone=True, whole=Span(span.path, span.line, 1, span.line + 1, 1))
        blank = len(before) - len(before.rstrip())
        return cls(text, span, alone=False, whole=replace(span, column=span.column - blank))


def comments(source: Source, documents: Iterable[Document]) -> Iterator[Comment]:
    """The comments of YAML in *source*, in order; *documents* are what was read from it.

    A `#` inside quotes or a block scalar is text. In a plain scalar it ends the scalar, so the rest is found by itself.
    """
    taken = sorted(stretch for document in documents for stretch in _texts(source.text, document.root))
    after = iter(taken)
    start, end = next(after, (len(source.text), len(source.text)))
    at = 0
    while match := _COMMENT.search(source.text, at):
        while end <= match.start():
            start, end = next(after, (len(source.text), len(source.text)))
            if start == len(source.text):
                break
        if start <= match.start() < end:
            at = end
            continue
        at = match.end()
        yield Comment.at(source, match[1], source.span(*match.span()))


def promql_comments(document: Document, path: Path) -> Iterator[Comment]:
    """The comments inside the expression at *path*, if it is a block scalar; elsewhere they would swallow the rest."""
    value = document.at(path)
    if document.style(path) not in {"|", ">"} or not isinstance(value, str) or "#" not in value:
        return
    for match in _PROMQL.finditer(value):
        if match[1] is not None:
            yield Comment.at(document.source, match[1], document.inside(path, *match.span()))


def _texts(text: str, root: Place) -> Iterator[tuple[int, int]]:
    """The stretches of quoted and block scalars, keys included."""
    waiting = [root]
    while waiting:
        place = waiting.pop()
        waiting += place.inner.values()
        if place.key is not None and text[place.key[0] : place.key[0] + 1] in {'"', "'"}:
            yield place.key
        if place.style in {'"', "'"}:
            yield place.start, place.end
        elif place.style in {"|", ">"}:
            header = _HEADER.match(text, place.start)
            yield (header.end() if header else place.start), place.end

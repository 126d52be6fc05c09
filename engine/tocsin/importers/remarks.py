"""What each comment of a file speaks of.

A comment on a line of its own speaks of what follows, one behind a value of that value, and one that is indented deeper
than what follows of what it stands below.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tocsin.document import Comment, Document, Path, comments
from tocsin.document.place import Place


class Where(StrEnum):
    """Where a comment stands to what it speaks of."""

    ABOVE = "above"
    BESIDE = "beside"
    BELOW = "below"


@dataclass(frozen=True, slots=True)
class Remark:
    """One comment without its `#`, and the value that it speaks of."""

    text: str
    file: str
    index: int
    path: Path
    where: Where


@dataclass(frozen=True, slots=True)
class _Node:
    """A value, where it starts, and the column of its key or its dash."""

    at: tuple[int, int]
    column: int
    index: int
    path: Path


def remarks(documents: Sequence[Document]) -> Iterator[Remark]:
    """All comments of the one file that *documents* come from, in order."""
    if not documents:
        return
    nodes = sorted(
        (node for document in documents for node in _nodes(document, (), document.root)),
        key=lambda node: (node.at, len(node.path)),
    )
    starts = [node.at for node in nodes]
    columns = {(node.index, node.path): node.column for node in nodes}
    for comment in comments(documents[0].source, documents):
        count = bisect_left(starts, (comment.span.line, comment.span.column))
        index, path, where = _subject(comment, nodes[:count][-1:], nodes[count : count + 1], columns)
        yield Remark(comment.text, documents[0].path, index, path, where)


def _nodes(document: Document, path: Path, place: Place) -> Iterator[_Node]:
    """A value with what is inside it; aliases stand where their key does."""
    span = document.source.span(*(place.key or (place.start, place.end)))
    before = document.source.line(span.line)[: span.column - 1].rstrip()
    dashed = bool(path) and isinstance(path[-1], int) and before.endswith("-")
    yield _Node((span.line, span.column), len(before) if dashed else span.column, document.index, path)
    for step, inner in place.inner.items():
        yield from _nodes(document, (*path, step), inner)


def _subject(
    comment: Comment, before: list[_Node], after: list[_Node], columns: dict[tuple[int, Path], int]
) -> tuple[int, Path, Where]:
    column = comment.span.column
    for last in before:
        if not comment.alone:
            return last.index, last.path, Where.BESIDE
        if not after or column > after[0].column:
            path = last.path
            while path and columns[last.index, path] > column:
                path = path[:-1]
            if len(path) < len(last.path) and isinstance(last.path[len(path)], int):
                path = last.path[: len(path) + 1]  # below a list is below its last element
            return last.index, path, Where.BELOW
    return (after[0].index, after[0].path, Where.ABOVE) if after else (0, (), Where.BELOW)

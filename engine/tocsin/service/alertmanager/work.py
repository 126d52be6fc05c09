"""What the paths of the API share: what they work on, how they refuse, how they read filters and bodies."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query, Request
from pydantic import ValidationError

from tocsin.matchers import LabelMatcher, MatcherError, Matchers, parse_matchers
from tocsin.ports import Clock
from tocsin.service.board import Board, Standing
from tocsin.service.inbox import Inbox
from tocsin.service.quiet import Quiet

LARGEST_BODY = 32 * 2**20

Filters = Annotated[list[str] | None, Query(alias="filter")]


class RefusedError(Exception):
    """An answer other than 200: its body is the text as JSON."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Office:
    """What the API works on; *config* makes Alertmanager's configuration of what stands."""

    board: Board
    quiet: Quiet
    inbox: Inbox
    clock: Clock
    config: Callable[[Standing], str]


async def body_of(request: Request) -> bytes:
    """Read JSON, up to a limit; other types are refused: any web page may send text and forms."""
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != "application/json":
        raise RefusedError(415, f"unsupported media type {kind[:100]!r}, only application/json is allowed")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise RefusedError(413, f"the body is larger than {LARGEST_BODY} bytes")
    return bytes(body)


def in_utc(at: datetime) -> datetime:
    """The same moment in UTC; raises ValueError where its offset takes it out of the calendar."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time outside of years 1 to 9999") from None


def first_fault(error: ValidationError) -> str:
    """Where and what, in a line."""
    fault = error.errors()[0]
    return ": ".join(filter(None, (".".join(str(part) for part in fault["loc"]), fault["msg"])))


def matchers_of(texts: Iterable[str] | None) -> Matchers:
    """Read `filter=`, given once or several times."""
    try:
        return tuple(matcher for text in texts or () for matcher in parse_matchers(text))
    except MatcherError as error:
        raise RefusedError(400, f"bad matcher format: {error}") from None


def receiver_of(pattern: str) -> LabelMatcher | None:
    """Read `receiver=`, a pattern for the whole name."""
    try:
        return LabelMatcher("receiver", pattern, regular=True) if pattern else None
    except MatcherError as error:
        raise RefusedError(400, f"failed to parse receiver param: {error}") from None

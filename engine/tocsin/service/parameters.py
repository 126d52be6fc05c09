"""Query parameters: an empty one is not given, an unknown or repeated one is refused instead of being ignored."""

import difflib
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode

from fastapi import Request, Response
from fastapi.routing import APIRoute

LONGEST_NAME = 200
LARGEST_FORM = 10_000


class ApiError(Exception):
    """An answer other than 2xx, in the one shape of errors; *headers* go with it."""

    def __init__(
        self, status: int, code: str, message: str, hint: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.hint = hint
        self.headers = dict(headers or {})


def did_you_mean(wrong: str, right: Iterable[str], none: str) -> str:
    """What may have been meant.

    >>> did_you_mean("be-camra", ["be-auth", "be-camera"], "no service is defined")
    "did you mean 'be-camera'?"
    """
    names = sorted(right)
    if len(wrong) > LONGEST_NAME:  # comparing texts takes time with the square of their length
        return "names are shorter"
    close = difflib.get_close_matches(wrong, names, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"there are {', '.join(names[:10])}{', …' if len(names) > 10 else ''}" if names else none


class StrictRoute(APIRoute):
    """A route that ignores nothing it was asked for: a filter with a typing error would look like an answer."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Check the names first."""
        handle = super().get_route_handler()
        known = frozenset(parameter.alias for parameter in self.dependant.query_params)

        async def handle_strictly(request: Request) -> Response:
            given = request.query_params.multi_items()
            for name, times in Counter(name for name, _ in given).items():
                if name not in known:
                    hint = did_you_mean(name, known, "it takes no parameters")
                    raise ApiError(422, "unknown-parameter", f"there is no parameter {name[:LONGEST_NAME]!r}", hint)
                if times > 1:
                    raise ApiError(422, "invalid-parameter", f"{name}: given {times} times", "give it once")
            meant = urlencode([(name, value) for name, value in given if value])
            return await handle(Request({**request.scope, "query_string": meant.encode()}, request.receive))

        return handle_strictly


async def form_of(request: Request) -> dict[str, str]:
    """What somebody has filled in and sent; raises ApiError for a huge form."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_FORM:
            raise ApiError(413, "too-large", "the form is too large")
    return {key: values[0] for key, values in parse_qs(body.decode(errors="replace")).items()}

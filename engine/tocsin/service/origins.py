"""Requests of other sites change nothing: a web page in an operator's browser must not silence or acknowledge.

The check is for browsers, which say where a request comes from; Prometheus, amtool and scripts say nothing and pass.
https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from fastapi import Request

from tocsin.service.parameters import ApiError

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


async def own_site(request: Request) -> None:
    """Refuse what another site's page asks to be changed."""
    if request.method not in _READING and foreign(request.headers):
        raise ApiError(403, "not-allowed", "the request of another site")


def foreign(headers: Mapping[str, str]) -> bool:
    """Whether the page of another site asks.

    `Sec-Fetch-Site` decides where there is one; browsers send none over plain HTTP, there the host of `Origin` has to
    be ours: that of `Host`, or what a proxy was asked for, which no page can set.

    >>> foreign({}), foreign({"origin": "http://evil.test", "host": "tocsin:9911"})
    (False, True)
    >>> foreign({"origin": "http://tocsin:9911", "host": "tocsin:9911"})
    False
    """
    if site := headers.get("sec-fetch-site"):
        return site not in {"same-origin", "none"}
    if not (origin := headers.get("origin")):
        return False
    ours = {headers.get("host", "").lower(), *(_parts(headers.get("x-forwarded-host", "")))}
    try:
        return urlsplit(origin).netloc.lower() not in ours - {""}
    except ValueError:
        return True


def _parts(text: str) -> list[str]:
    return [part.strip().lower() for part in text.split(",")]

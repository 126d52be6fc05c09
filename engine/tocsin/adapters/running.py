"""A running `tocsin serve`, asked over its API as anybody may: what `doctor`, `status` and `explain alert` read.

One deadline for each answer, also from a host that drips; no redirect is followed, for a login page is no answer and
the password in the URL is nobody else's; and no error repeats the URL with that.
"""

import json
from http import HTTPStatus
from http.client import HTTPException, responses
from typing import TypeVar

import requests
import urllib3
from prometheus_client.parser import text_string_to_metric_families
from pydantic import TypeAdapter, ValidationError

from tocsin.adapters.http_deadline import deadline, guarded
from tocsin.adapters.http_faults import CONNECT, short, why
from tocsin.errors import MisuseError, UnavailableError
from tocsin.settings import is_http_url, without_password

SECONDS = 10.0
LARGEST = 64 * 2**20
"""Bytes of an answer; ten thousand alerts have some ten million."""
CHUNK = 2**16
OF_TOCSIN = "is it a tocsin serve?"
WHO = "write https://USER:PASSWORD@HOST where a proxy asks for one"
OWN_CA = "where that is a CA of your own: REQUESTS_CA_BUNDLE=/path/to/ca.pem"
UNKNOWN_CA = ("self-signed certificate", "self signed certificate", "issuer")
"""What OpenSSL says of a certificate of a CA that it does not know."""

T = TypeVar("T")


class Running:
    """The service at *url*; every question raises UnavailableError where nobody answers it as Tocsin does."""

    def __init__(self, url: str, seconds: float = SECONDS) -> None:
        self.where = without_password(url.rstrip("/"))
        if not is_http_url(url):
            raise MisuseError(f"--url: {self.where!r} is no http or https URL", hint="write http://HOST:9911")
        self._url, self._seconds = url.rstrip("/"), seconds
        self._session = requests.Session()
        guarded(self._session, self._url, 1)

    def told(self, path: str, kind: type[T], *, also: int = 200) -> T:
        """What it answers there, with status 200, or *also* that one; MisuseError where it knows no such thing."""
        body = self._body(path, also)
        try:
            return TypeAdapter(kind).validate_json(body)
        except ValidationError as error:
            what = f"{self.where}{path} answers as no Tocsin of this release does"
            raise UnavailableError(what, hint=OF_TOCSIN) from error

    def metrics(self) -> dict[tuple[str, str], float]:
        """Its own metrics by name and channel."""
        try:
            families = list(text_string_to_metric_families(self._body("/metrics").decode()))
        except ValueError as error:
            raise UnavailableError(f"{self.where}/metrics cannot be read", hint=OF_TOCSIN) from error
        return {(each.name, each.labels.get("channel", "")): each.value for one in families for each in one.samples}

    def _body(self, path: str, also: int = 200) -> bytes:
        status, body = self._asked(path)
        if status in {200, also}:
            return body
        what = f"{self.where}{path} answers HTTP {status} {responses.get(status, '')}".strip()
        said = _error(body)
        if said is None:
            raise UnavailableError(what, hint=WHO if status in {401, 403} else OF_TOCSIN)
        message, hint = said
        if status == HTTPStatus.NOT_FOUND:
            raise MisuseError(f"{self.where}: {message}", hint=hint)
        raise UnavailableError(f"{what}: {message}", hint=hint)

    def _asked(self, path: str) -> tuple[int, bytes]:
        """Status and body of one answer, whatever it says."""
        with deadline(self._seconds) as guard:
            try:
                found = self._exchange(path)
            except (requests.RequestException, urllib3.exceptions.HTTPError, HTTPException, OSError) as error:
                words = why(error, guard, self._seconds)
                hint = OWN_CA if any(each in words for each in UNKNOWN_CA) else None
                raise UnavailableError(f"{self.where} does not answer: {words}", hint=hint) from None
            if guard.expired:
                raise UnavailableError(f"{self.where} does not answer: {why(TimeoutError(), guard, self._seconds)}")
        return found

    def _exchange(self, path: str) -> tuple[int, bytes]:
        limits = (min(CONNECT, self._seconds), self._seconds)
        answer = self._session.get(f"{self._url}{path}", timeout=limits, allow_redirects=False, stream=True)
        with answer:
            body = bytearray()
            while chunk := answer.raw.read1(CHUNK, decode_content=True):
                body += chunk
                if len(body) > LARGEST:
                    raise UnavailableError(f"{self.where}{path}: more than {LARGEST} bytes", hint=OF_TOCSIN)
            return answer.status_code, bytes(body)


def _error(body: bytes) -> tuple[str, str | None] | None:
    """Message and hint of an error as Tocsin's API says it; None for what somebody else says."""
    try:
        error = json.loads(body)["error"]
        return short(str(error["message"])), short(str(error["hint"])) if error.get("hint") else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None

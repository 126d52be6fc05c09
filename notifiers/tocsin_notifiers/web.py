"""HTTP as senders see it: `requests`, within the attempt's deadline, every answer noted, no redirect followed."""

import io
import logging
import ssl
import time
from collections.abc import Mapping
from http.client import HTTPException
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError
from urllib3.poolmanager import ProxyManager

from tocsin_notifiers.attempt import CONNECT_SECONDS, Answer, Attempt, current

LARGEST_ANSWER = 64 * 1024

logging.getLogger("urllib3").setLevel(logging.INFO)  # at DEBUG it prints every path, and a webhook's path is its key


class _Beginning:
    """Mixed into urllib3's connections: nothing is handed over before it is connected, through proxy and TLS."""

    def connect(self) -> None:
        try:
            super().connect()  # type: ignore[misc]  # a mixin
        except ssl.SSLError:
            raise
        except (OSError, HTTPException) as error:
            raise NewConnectionError(self, "not connected") from error  # type: ignore[arg-type]
        if (attempt := current.get()) is not None:
            attempt.begin()


class _Connection(_Beginning, HTTPConnection):
    pass


class _SecureConnection(_Beginning, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(*args, **options)
        if isinstance(manager, ProxyManager):
            manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        elif (attempt := current.get()) is not None:
            attempt.begin()  # SOCKS has connections of its own, which do not tell when they begin
        return manager


class Requests(ModuleType):
    """`requests` as a plugin sees it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(requests, name)

    def request(self, method: str, url: str, **options: Any) -> requests.Response:
        """Send once and note what came back."""
        attempt = current.get()
        if attempt is None:
            return requests.request(method, url, **options)  # noqa: S113  # the caller's own
        options |= {"stream": True, "timeout": (min(CONNECT_SECONDS, attempt.remaining), attempt.remaining)}
        attempt.connecting()
        try:
            with (
                _session() as session,
                session.request(method, _redirected(url, attempt.endpoint), **options) as answer,
            ):
                body = _read(answer, attempt)
        except requests.RequestException as error:
            attempt.answers.append(Answer(error=error))
            raise
        attempt.answers.append(Answer(answer.status_code, answer.headers, body))
        return _copy(answer, body)

    def post(self, url: str, **options: Any) -> requests.Response:
        """POST."""
        return self.request("post", url, **options)

    def put(self, url: str, **options: Any) -> requests.Response:
        """PUT."""
        return self.request("put", url, **options)

    def get(self, url: str, **options: Any) -> requests.Response:
        """GET."""
        return self.request("get", url, **options)


REQUESTS = Requests("requests")


def post_json(url: str, document: object, headers: Mapping[str, str] | None = None) -> bool:
    """Post a document from inside an attempt; whether it was taken stands in the attempt's answers."""
    options = {"json": document, "headers": {"User-Agent": "Tocsin", **(headers or {})}, "allow_redirects": False}
    return bool(REQUESTS.post(url, **options).ok)


def _session() -> requests.Session:
    session = requests.Session()
    for prefix in ("http://", "https://"):
        session.mount(prefix, _Adapter())
    return session


def _redirected(url: str, endpoint: str | None) -> str:
    """Keep path and query, exchange scheme and host.

    >>> _redirected("https://hooks.slack.com/services/T/B/C", "http://127.0.0.1:9/proxy/")
    'http://127.0.0.1:9/proxy/services/T/B/C'
    """
    if endpoint is None:
        return url
    there, here = urlsplit(endpoint), urlsplit(url)
    return urlunsplit((there.scheme, there.netloc, there.path.rstrip("/") + here.path, here.query, ""))


def _read(answer: requests.Response, attempt: Attempt) -> bytes:
    """Read the body, but not for ever and not everything."""
    body = b""
    for chunk in answer.iter_content(1024):
        body += chunk
        if len(body) >= LARGEST_ANSWER or time.monotonic() >= attempt.deadline:
            break
    return body


def _copy(answer: requests.Response, body: bytes) -> requests.Response:
    copy = requests.Response()
    copy.status_code, copy.reason, copy.url = answer.status_code, answer.reason, answer.url
    copy.headers, copy.encoding, copy.raw = answer.headers, answer.encoding, io.BytesIO(body)
    return copy

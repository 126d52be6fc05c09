"""HTTP as senders see it: `requests`, within the attempt's deadline, every answer noted, no redirect followed."""

import io
import logging
import time
from collections.abc import Mapping
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests

from tocsin_notifiers.attempt import CONNECT_SECONDS, Answer, Attempt, current

LARGEST_ANSWER = 64 * 1024

logging.getLogger("urllib3").setLevel(logging.INFO)  # at DEBUG it prints every path, and a webhook's path is its key


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
        try:
            with requests.request(method, _redirected(url, attempt.endpoint), **options) as answer:  # noqa: S113
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

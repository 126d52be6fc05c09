"""The border to Apprise: the one place that knows its plugins, and what they do behind our back.

Apprise tells only whether a send worked. Here its plugins talk through stand-ins for `requests` and `smtplib` that
keep what the receiver answered, so that a 429 and a 404 can be told apart. A plugin is called directly, in a daemon
thread with a wall deadline: Apprise's own pool is shared by all services and is joined when the process exits.
Its log is switched off, because it prints tokens.
"""

import contextvars
import io
import logging
import smtplib
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests

from tocsin.errors import MisuseError

with warnings.catch_warnings():
    # Modules that Apprise tries to import are deprecated; loading all plugins here keeps their warnings in here, too.
    warnings.simplefilter("ignore")
    import apprise
    import apprise.plugins.email.smtp as apprise_smtp
    from apprise.manager_plugins import NotificationManager

    NotificationManager().load_modules()  # type: ignore[no-untyped-call]  # no annotations there

CONNECT_SECONDS = 5.0
LARGEST_ANSWER = 64 * 1024
MOST_ABANDONED = 4
"""Threads of one channel that may hang beyond their deadline before it is not even tried."""

logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
logging.getLogger("urllib3").setLevel(logging.INFO)  # at DEBUG it prints every path, and a webhook's path is its key


@dataclass(frozen=True, slots=True)
class Answer:
    """What an HTTP receiver said, or how the connection failed."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Mailing:
    """What a mail server said to one message; *in_data* means that it may have it all the same."""

    recipients: tuple[str, ...] = ()
    error: Exception | None = None
    in_data: bool = False


@dataclass(slots=True)
class Attempt:
    """One call of a plugin: *worked* is its own opinion, None when it did not return in time."""

    deadline: float
    endpoint: str | None = None
    worked: bool | None = None
    crashed: str = ""
    busy: bool = False
    answers: list[Answer] = field(default_factory=list)
    mailings: list[Mailing] = field(default_factory=list)

    @property
    def remaining(self) -> float:
        """Seconds until the deadline, never quite 0: a socket time-out of 0 means something else."""
        return max(self.deadline - time.monotonic(), 0.05)


_current: contextvars.ContextVar[Attempt | None] = contextvars.ContextVar("tocsin_attempt", default=None)


class Gate:
    """Sends through Apprise plugins for one channel."""

    def __init__(self) -> None:
        self._abandoned: list[threading.Thread] = []

    def send(
        self,
        service: Mapping[str, Any] | str,
        *,
        title: str,
        body: str,
        mood: str,
        seconds: float,
        endpoint: str | None = None,
    ) -> Attempt:
        """Send once; returns after *seconds* at the latest, whatever the receiver does."""
        attempt = Attempt(time.monotonic() + seconds, endpoint)
        self._abandoned = [thread for thread in self._abandoned if thread.is_alive()]
        if len(self._abandoned) >= MOST_ABANDONED:
            attempt.busy = True
            return attempt
        plugin = load(service)

        def call() -> None:
            _current.set(attempt)
            try:
                worked = plugin.notify(title=title, body=body, notify_type=mood, body_format="text")
            except Exception as error:  # noqa: BLE001  # 180 plugins; none may take the worker with it
                attempt.crashed = type(error).__name__
                worked = False
            attempt.worked = bool(worked)

        thread = threading.Thread(target=contextvars.Context().run, args=(call,), name="tocsin-send", daemon=True)
        thread.start()
        thread.join(seconds)
        if not thread.is_alive():
            return attempt
        self._abandoned.append(thread)
        # The thread still holds the attempt; a copy does not change under the reader.
        return Attempt(attempt.deadline, endpoint, answers=attempt.answers[:], mailings=attempt.mailings[:])


def load(service: Mapping[str, Any] | str) -> Any:
    """Build a plugin from a dictionary or a URL; MisuseError, without the secret, when Apprise refuses it."""
    try:
        plugin = apprise.Apprise.instantiate(
            dict(service) if isinstance(service, Mapping) else service, asset=_asset(), suppress_exceptions=False
        )
    except Exception as error:  # noqa: BLE001  # constructors raise what they like
        raise MisuseError(f"the settings are not accepted ({type(error).__name__})") from None
    if plugin is None:
        raise MisuseError("this is no notification service that is known")
    plugin.request_rate_per_sec = 0  # the courier keeps the pace; the plugin would sleep in its thread
    plugin.socket_connect_timeout = min(float(plugin.socket_connect_timeout), 10.0)
    _listen_in(type(plugin))
    return plugin


def _asset() -> apprise.AppriseAsset:
    return apprise.AppriseAsset(app_id="Tocsin", app_desc="Tocsin", http_redirects=False, async_mode=False)


def _listen_in(plugin: type) -> None:
    for base in plugin.__mro__:
        names = vars(sys.modules[base.__module__])
        if base.__module__.startswith("apprise.plugins.") and names.get("requests") is requests:
            names["requests"] = _REQUESTS
    vars(apprise_smtp)["smtplib"] = _SMTPLIB


# --- HTTP --------------------------------------------------------------------------------------------------


class _Requests(ModuleType):
    """`requests` as a plugin sees it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(requests, name)

    def request(self, method: str, url: str, **options: Any) -> requests.Response:
        attempt = _current.get()
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
        return self.request("post", url, **options)

    def put(self, url: str, **options: Any) -> requests.Response:
        return self.request("put", url, **options)

    def get(self, url: str, **options: Any) -> requests.Response:
        return self.request("get", url, **options)


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


# --- SMTP --------------------------------------------------------------------------------------------------


class _Listening:
    """Keeps what the server said; mixed into the two connection classes of smtplib."""

    _recipients: tuple[str, ...] = ()
    _in_data = False

    def __init__(self, host: str = "", port: int = 0, name: str | None = None, **options: Any) -> None:
        # Without a name the library asks the DNS for one, which can take longer than sending the mail.
        self._watch(super().__init__, host, port, name or socket.gethostname() or "localhost", **options)

    def starttls(self, **options: Any) -> Any:
        return self._watch(super().starttls, **options)  # type: ignore[misc]  # a mixin

    def login(self, user: str, password: str, **options: Any) -> Any:
        return self._watch(super().login, user, password, **options)  # type: ignore[misc]

    def data(self, message: Any) -> Any:
        self._in_data = True
        return super().data(message)  # type: ignore[misc]

    def sendmail(self, sender: str, recipients: list[str], message: Any, *rest: Any) -> Any:
        self._recipients, self._in_data = tuple(recipients), False
        refused = self._watch(super().sendmail, sender, recipients, message, *rest)  # type: ignore[misc]
        error = smtplib.SMTPRecipientsRefused(refused) if refused else None
        self._note(Mailing(self._recipients, error))
        return refused

    def _watch(self, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        try:
            return call(*args, **options)
        except (OSError, smtplib.SMTPException) as error:
            self._note(Mailing(self._recipients, error, self._in_data))
            raise

    def _note(self, mailing: Mailing) -> None:
        attempt = _current.get()
        if attempt is not None:
            attempt.mailings.append(mailing)


class _Smtp(_Listening, smtplib.SMTP):  # type: ignore[misc]  # passes on whatever it is given
    pass


class _SmtpSsl(_Listening, smtplib.SMTP_SSL):  # type: ignore[misc]  # passes on whatever it is given
    pass


class _Smtplib(ModuleType):
    """`smtplib` as Apprise sees it."""

    SMTP = _Smtp
    SMTP_SSL = _SmtpSsl

    def __getattr__(self, name: str) -> Any:
        return getattr(smtplib, name)


_REQUESTS = _Requests("requests")
_SMTPLIB = _Smtplib("smtplib")

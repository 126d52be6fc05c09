"""Asking a running service: what nobody answers is said in words, in time, and without the password of the URL."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
import requests
from click.testing import CliRunner
from tests.alerts import NOON

from tocsin.adapters.http_deadline import Guard
from tocsin.adapters.http_faults import why
from tocsin.adapters.running import Running
from tocsin.cli.explain import command as explain
from tocsin.cli.status import command as status
from tocsin.demo.loopback import LoopbackServer, QuietHandler
from tocsin.errors import MisuseError, TocsinError, UnavailableError
from tocsin.service.shapes import Status
from tocsin_notifiers.answers import http_delivery
from tocsin_notifiers.attempt import Answer

SECRET = "hunter2"


@contextmanager
def answering(code: int, body: bytes = b"", *headers: tuple[str, str]) -> Iterator[str]:
    """A server that answers so to everything; the URL has a password."""

    class Handler(QuietHandler):
        def do_GET(self) -> None:  # noqa: N802
            self.send_response(code)
            for name, value in (*headers, ("Content-Length", str(len(body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    with LoopbackServer(Handler) as server:
        yield server.url.replace("http://", f"http://me:{SECRET}@")


def said(ask: Callable[[], object]) -> str:
    """The error and its hint."""
    with pytest.raises(TocsinError) as caught:
        ask()
    return f"{type(caught.value).__name__}: {caught.value}\n{caught.value.hint or ''}"


ERROR = b'{"error": {"code": "not_found", "message": "no alert abc", "hint": "see the list"}}'


@pytest.mark.parametrize(
    ("code", "body", "words"),
    [
        (401, b"", ("answers HTTP 401 Unauthorized", "USER:PASSWORD")),
        (500, b"<html>", ("answers HTTP 500 Internal Server Error", "is it a tocsin serve?")),
        (404, b"404 page not found", ("UnavailableError", "answers HTTP 404", "is it a tocsin serve?")),
        (404, ERROR, ("MisuseError", "no alert abc", "see the list")),
        (503, ERROR, ("UnavailableError", "HTTP 503 Service Unavailable: no alert abc", "see the list")),
        (200, b"<html>login</html>", ("answers as no Tocsin of this release does", "is it a tocsin serve?")),
        (200, b"{}", ("answers as no Tocsin of this release does",)),
    ],
)
def test_what_is_no_answer_is_said_without_the_password(code: int, body: bytes, words: tuple[str, ...]) -> None:
    """By its status and by what Tocsin's own API says of errors; each command that asks says the same."""
    with answering(code, body) as url:
        texts = [
            said(lambda: Running(url).told("/api/v1/status", Status)),
            said(lambda: CliRunner().invoke(status, ["--url", url], catch_exceptions=False, standalone_mode=False)),
            said(lambda: CliRunner().invoke(explain, ["alert", "a", "--url", url], catch_exceptions=False)),
        ]

    for text in texts:
        assert SECRET not in text
        assert [word for word in words if word not in text] == []


def test_no_redirect_is_followed() -> None:
    """A login page is no answer, and the password is not for whoever is named there."""
    asked = []

    class Elsewhere(QuietHandler):
        def do_GET(self) -> None:  # noqa: N802
            asked.append(self.headers.get("Authorization"))
            self.send_response(200)
            self.end_headers()

    with LoopbackServer(Elsewhere) as there, answering(302, b"", ("Location", there.url)) as url:
        assert "answers HTTP 302 Found" in said(lambda: Running(url).told("/api/v1/status", Status))
    assert asked == []


def test_a_host_that_drips_holds_nobody() -> None:
    """The deadline is for the whole answer, and not for each byte of it."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with closing(connection):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                for _ in range(100):
                    try:
                        connection.sendall(b" ")
                    except OSError:
                        return
                    time.sleep(0.05)

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        began = time.monotonic()
        url = f"http://me:{SECRET}@127.0.0.1:{server.getsockname()[1]}"
        text = said(lambda: Running(url, seconds=0.5).told("/api/v1/status", Status))
        took = time.monotonic() - began
        thread.join()

    assert "does not answer: timed out after 0.5 s" in text
    assert (SECRET in text, took < 3) == (False, True)


@pytest.mark.parametrize("url", ["localhost:9911", f"me:{SECRET}@localhost:9911", "http://127.0.0.1:17x", "ftp://h"])
def test_an_address_that_is_none_is_misuse(url: str) -> None:
    """It says how one is written."""
    text = said(lambda: CliRunner().invoke(status, ["--url", url], catch_exceptions=False, standalone_mode=False))

    assert text.startswith(MisuseError.__name__)
    assert "is no http or https URL\nwrite http://HOST:9911" in text
    assert SECRET not in text


def test_nobody_is_there() -> None:
    """In words, and not by the name of an exception."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]

    text = said(lambda: Running(f"http://127.0.0.1:{port}").told("/api/v1/status", Status))
    assert text == f"{UnavailableError.__name__}: http://127.0.0.1:{port} does not answer: connection refused\n"


def test_what_is_wrong_with_a_certificate_is_said() -> None:
    """To who asks a service or a metric source, and of each receiver."""
    expired = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] (_ssl.c:1006)")
    expired.verify_message = "certificate has expired"
    error = requests.exceptions.SSLError(expired)

    assert why(error, Guard(1), 1) == "TLS failed: certificate has expired"
    assert why(requests.exceptions.SSLError(ssl.SSLError("x")), Guard(1), 1) == "TLS failed"
    detail = http_delivery(Answer(error=error), NOON, ()).detail
    assert detail == "the TLS connection was refused: certificate has expired"

"""Connections that fail before, and in the middle of, an answer: whether the message may have arrived decides."""

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from requests.adapters import HTTPAdapter
from tests.alerts import NOON, message
from tests.lines import KINDS, OVER_HTTP, make
from urllib3 import PoolManager

from tocsin.demo.receivers import HttpReceiver
from tocsin.ports import Outcome

pytestmark = pytest.mark.real

EXPIRED = Path(__file__).parents[1] / "certificates" / "expired.pem"
"""A certificate of 127.0.0.1, with its key, that held until February 2020."""


@contextmanager
def serving(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of a server that treats each connection so."""

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    serve(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_that_has_expired(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent, and it is tried again until somebody has renewed it; the reason stands there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(EXPIRED)
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):  # its issuer is trusted
        monkeypatch.setenv(name, str(EXPIRED))
    spoken: list[bytes] = []

    def greet(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            spoken.append(secured.recv(1))

    with serving(greet) as port:
        delivery = make(kind, "127.0.0.1", port, secure=True).send(message(kind), NOON)

    refused = "the TLS connection was refused: certificate has expired"
    assert (delivery.outcome, spoken) == (Outcome.RETRY, [])
    assert delivery.detail.endswith(refused)


@pytest.mark.parametrize("kind", KINDS)
def test_a_host_without_an_address(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that does not resolve (NXDOMAIN) is tried again: its servers may be away, too."""

    def nobody(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    delivery = make(kind, "nobody.invalid", 80).send(message(kind), NOON)

    assert delivery.outcome is Outcome.RETRY
    assert delivery.detail.endswith("cannot connect: the name of its host does not resolve")


def test_a_mail_server_that_refuses_at_the_greeting_is_tried_again() -> None:
    """It is about our host, which may be on a list today, and not about the page."""
    with serving(lambda connection: connection.sendall(b"554 5.7.1 listed\r\n")) as port:
        delivery = make("email", "127.0.0.1", port).send(message("email"), NOON)

    assert (delivery.outcome, delivery.detail) == (Outcome.RETRY, "SMTP 554 5.7.1 listed")


def _resets(connection: socket.socket) -> None:
    connection.recv(9_999)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _refuses(connection: socket.socket) -> None:
    connection.recv(9_999)
    connection.sendall(b"HTTP/1.1 503 Away\r\nContent-Length: 0\r\n\r\n")


def _says_nothing(_: socket.socket) -> None:
    time.sleep(1)


@pytest.mark.parametrize(
    ("does", "proxy", "why"),
    [
        (_resets, False, "cannot connect: connection reset"),
        (_says_nothing, False, "no answer within the deadline"),
        (_refuses, True, "cannot connect: the proxy lets nobody through"),
        (_resets, True, "cannot connect: connection reset"),
    ],
)
def test_what_was_never_handed_over_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, does: Callable[[socket.socket], None], *, proxy: bool, why: str
) -> None:
    """No TLS, or no way through a proxy: nothing has arrived, so it is tried for a day, and is no repeat."""
    with serving(does) as port:
        if proxy:
            monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        channel = make("slack", "x.example" if proxy else "127.0.0.1", port, secure=True)
        channel.deadline = 0.5 if does is _says_nothing else 5
        delivery = channel.send(message("slack"), NOON)

    assert (delivery.outcome, delivery.detail) == (Outcome.RETRY, why)


def test_a_proxy_of_another_kind_keeps_its_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """SOCKS is spoken by connections of its own; what goes through them may arrive from the first moment."""
    manager = PoolManager()
    before = manager.pool_classes_by_scheme
    monkeypatch.setattr(HTTPAdapter, "proxy_manager_for", lambda *_, **__: manager)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("all_proxy", "socks5h://127.0.0.1:9")
    with serving(_says_nothing) as port:
        channel = make("slack", "127.0.0.1", port)
        channel.deadline = 0.3
        delivery = channel.send(message("slack"), NOON)

    assert manager.pool_classes_by_scheme is before
    assert (delivery.outcome, delivery.detail) == (Outcome.UNKNOWN, "no answer within the deadline")


def test_nothing_is_sent_once_the_deadline_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that resolves late: another attempt has been made meanwhile, and this one would be a copy."""
    resolved, asked = socket.getaddrinfo, threading.Event()

    def late(*args: Any, **options: Any) -> Any:
        asked.wait(5)
        return resolved(*args, **options)

    with HttpReceiver() as web:
        channel = make("slack", "localhost", web.port)
        channel.deadline = 0.1
        monkeypatch.setattr(socket, "getaddrinfo", late)
        delivery = channel.send(message("slack"), NOON)
        asked.set()
        for thread in channel._gate._abandoned:
            thread.join(5)

        assert (delivery.outcome, web.requests) == (Outcome.RETRY, ())


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"], ids=["at once", "in the body"]
)
@pytest.mark.parametrize("kind", OVER_HTTP)
def test_a_reset_in_the_middle(kind: str, said: bytes) -> None:
    """RST after the request: nobody knows what became of the message."""

    def reset(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(said)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with serving(reset) as port:
        delivery = make(kind, "127.0.0.1", port).send(message(kind), NOON)

    assert delivery.outcome is Outcome.UNKNOWN
    assert delivery.detail.endswith("the connection broke")

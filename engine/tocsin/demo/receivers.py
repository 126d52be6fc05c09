"""Stand-ins for the ends of the line: a real SMTP inbox, and an HTTP receiver that answers as Slack and PagerDuty do.

Both listen on free loopback ports, keep what they got, and can be told to misbehave.
"""

import asyncio
import email
import email.policy
import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from tocsin.adapters.children import LOOPBACK
from tocsin.demo.loopback import LoopbackServer, QuietHandler

T = TypeVar("T")


class Arrivals(Generic[T]):
    """What has arrived so far, in order; safe to read while more arrives."""

    def __init__(self) -> None:
        self._items: list[T] = []
        self._changed = threading.Condition()

    def add(self, item: T) -> None:
        """Keep *item* and wake whoever waits."""
        with self._changed:
            self._items.append(item)
            self._changed.notify_all()

    def all(self) -> tuple[T, ...]:
        """Everything, oldest first."""
        with self._changed:
            return tuple(self._items)

    def wait_for(self, predicate: Callable[[T], bool] | None, timeout: float, count: int) -> tuple[T, ...]:
        """All items that satisfy *predicate*, as soon as there are *count*; TimeoutError after *timeout* seconds."""

        def found() -> tuple[T, ...]:
            return tuple(item for item in self._items if predicate is None or predicate(item))

        with self._changed:
            if not self._changed.wait_for(lambda: len(found()) >= count, timeout):
                raise TimeoutError(
                    f"{len(found())} of {count} expected arrivals within {timeout:g} s; {len(self._items)} in all"
                )
            return found()


# --- email -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mail:
    """One received message with its envelope."""

    received_at: datetime
    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage

    @property
    def subject(self) -> str:
        """The decoded subject line."""
        return str(self.message["Subject"] or "")

    @property
    def text(self) -> str:
        """The plain text, or else the first text part."""
        part = self.message.get_body(("plain", "html"))
        return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""


class Inbox:
    """An SMTP server that keeps every message.

    *rcpt* and *data* are replies such as `451 4.3.0 try again later`, given to the next recipients and messages in
    turn; when they are used up everything is accepted. Any user and password are accepted.
    """

    def __init__(self, *, rcpt: Iterable[str] = (), data: Iterable[str] = ()) -> None:
        self._arrivals: Arrivals[Mail] = Arrivals()
        self.rcpt = deque(rcpt)
        self.data = deque(data)
        self.refused = 0
        """How often a scripted reply was given instead of an acceptance."""
        self._controller = _Listener(self)
        self.host = LOOPBACK
        self.port = self._controller.port
        self._controller.start()

    @property
    def mails(self) -> tuple[Mail, ...]:
        """Everything received, oldest first."""
        return self._arrivals.all()

    @property
    def messages(self) -> tuple[EmailMessage, ...]:
        """The messages alone."""
        return tuple(mail.message for mail in self.mails)

    def wait_for(
        self, predicate: Callable[[Mail], bool] | None = None, timeout: float = 10.0, count: int = 1
    ) -> tuple[Mail, ...]:
        """The mails that satisfy *predicate*, as soon as there are *count*; TimeoutError after *timeout* seconds."""
        return self._arrivals.wait_for(predicate, timeout, count)

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept the recipient, or give the next scripted reply."""
        if self.rcpt:
            self.refused += 1
            return self.rcpt.popleft()
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the message, or give the next scripted reply."""
        if self.data:
            self.refused += 1
            return self.data.popleft()
        message = email.message_from_bytes(envelope.original_content or b"", EmailMessage, policy=email.policy.default)
        sender, recipients = envelope.mail_from or "", tuple(envelope.rcpt_tos)
        self._arrivals.add(Mail(datetime.now(UTC), sender, recipients, message))
        return "250 OK"

    def close(self) -> None:
        """Stop listening; a second call does nothing."""
        if self._controller.running:
            self._controller.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _Listener(Controller):
    """aiosmtpd refuses port 0, so the socket is bound here, and nobody can take the port in between."""

    def __init__(self, inbox: Inbox) -> None:
        self._socket = socket.create_server((LOOPBACK, 0))
        self._transports: set[asyncio.BaseTransport] = set()
        super().__init__(inbox, hostname=LOOPBACK, port=self._socket.getsockname()[1], ready_timeout=30)

    @property
    def running(self) -> bool:
        return self._thread is not None

    def factory(self) -> SMTP:
        transports = self._transports

        class Conversation(SMTP):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                transports.add(transport)
                super().connection_made(transport)

            def connection_lost(self, error: Exception | None) -> None:
                if self.transport is not None:
                    transports.discard(self.transport)
                super().connection_lost(error)

        return Conversation(
            self.handler,
            authenticator=lambda *_: AuthResult(success=True),
            auth_require_tls=False,
            hostname="inbox.demo",
            loop=self.loop,
        )

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self._socket)

    def cancel_tasks(self, stop_loop: bool = True) -> None:
        """Close what clients left open, too, so that no socket outlives the inbox."""
        for transport in tuple(self._transports):
            transport.close()
        super().cancel_tasks(stop_loop)


# --- HTTP --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reply:
    """One scripted answer.

    The receiver waits *delay* seconds first; *drip* seconds pass between the bytes of the body; with *hang* the
    request is taken and never answered. A *body* of None means what the real service says to this status.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    delay: float = 0.0
    drip: float = 0.0
    hang: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came in."""

    at: datetime
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The parsed body."""
        return json.loads(self.body)

    @property
    def service(self) -> str:
        """Which service it was meant for: `slack`, `pagerduty` or `other`."""
        if self.path.startswith(("/services/", "/api/chat.")):
            return "slack"
        return "pagerduty" if self.path.startswith("/v2/enqueue") else "other"


class HttpReceiver:
    """Answers `/services/…` as a Slack webhook, `/api/chat.…` as Slack's API, `/v2/enqueue` as PagerDuty Events v2.

    *replies* (statuses or Reply) are given to the next requests in turn; then everything is accepted.
    """

    def __init__(self, *replies: Reply | int) -> None:
        self._arrivals: Arrivals[Received] = Arrivals()
        self._script: deque[tuple[str, Reply]] = deque()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self.answer(*replies)
        self._server = LoopbackServer(_handler(self))
        self.port = self._server.port
        self.url = self._server.url

    def answer(self, *replies: Reply | int, path: str = "/") -> None:
        """Give *replies*, in turn, to the next requests whose path begins with *path*."""
        with self._lock:
            self._script.extend((path, r if isinstance(r, Reply) else Reply(r)) for r in replies)

    @property
    def requests(self) -> tuple[Received, ...]:
        """Everything received, oldest first, whatever was answered."""
        return self._arrivals.all()

    def wait_for(
        self, predicate: Callable[[Received], bool] | None = None, timeout: float = 10.0, count: int = 1
    ) -> tuple[Received, ...]:
        """The requests that satisfy *predicate*, as soon as there are *count*; TimeoutError after *timeout* seconds."""
        return self._arrivals.wait_for(predicate, timeout, count)

    def take(self, request: Received) -> Reply | None:
        """Keep *request* and say how to answer it; None when nothing is scripted for it."""
        with self._lock:
            place = next((i for i, (path, _) in enumerate(self._script) if request.path.startswith(path)), None)
            reply = None
            if place is not None:
                reply = self._script[place][1]
                del self._script[place]
        self._arrivals.add(request)
        return reply

    def pause(self, seconds: float | None) -> bool:
        """Wait (for ever with None), but not beyond `close()`; False when closing."""
        return not self._closing.wait(seconds)

    def close(self) -> None:
        """Release every client and the port; a second call does nothing."""
        self._closing.set()
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _natural(request: Received) -> Reply:
    """What the real service says when all is well."""
    if request.service == "pagerduty":
        key = request.json.get("dedup_key") or "made-up-by-the-receiver"
        body = {"status": "success", "message": "Event processed", "dedup_key": key}
        return Reply(202, {"Content-Type": "application/json"}, json.dumps(body).encode())
    if request.path.startswith("/api/chat."):
        ts = request.json.get("ts") if request.path.endswith("chat.update") else f"{request.at.timestamp():.6f}"
        body = {"ok": True, "channel": "C0DEMO", "ts": ts, "message": {}}
        return Reply(200, {"Content-Type": "application/json"}, json.dumps(body).encode())
    if request.path.startswith("/api/files."):
        body = {"ok": True, "upload_url": "https://files.slack.com/upload/v1/demo", "file_id": "F0DEMO", "files": []}
        return Reply(200, {"Content-Type": "application/json"}, json.dumps(body).encode())
    return Reply(200, {"Content-Type": "text/html"}, b"ok")


def _handler(receiver: HttpReceiver) -> type[QuietHandler]:  # noqa: C901 - one short way out for each misbehaviour
    class Handler(QuietHandler):
        def do_POST(self) -> None:  # noqa: N802
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            if len(body) < length:
                return  # the sender died half-way; nobody accepts half a request
            request = Received(datetime.now(UTC), self.command, self.path, dict(self.headers), body)
            reply = receiver.take(request) or _natural(request)
            if reply.hang:
                receiver.pause(None)
                return
            if reply.delay and not receiver.pause(reply.delay):
                return
            self._send(reply)

        do_GET = do_PUT = do_POST  # noqa: N815

        def _send(self, reply: Reply) -> None:
            text = reply.body
            if text is None:
                text = b"ok" if reply.status < 300 else b"scripted answer"
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            if not reply.drip:
                self.wfile.write(text)
                return
            for byte in text:
                self.wfile.write(bytes([byte]))
                if not receiver.pause(reply.drip):
                    return

    return Handler

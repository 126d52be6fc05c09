"""An HTTP server on a free loopback port, in a thread, that can always be closed at once."""

import socket
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tocsin.adapters.children import LOOPBACK


class _Server(ThreadingHTTPServer):
    """Remembers its connections, so that closing never waits for a client that hangs."""

    daemon_threads = False
    block_on_close = True
    allow_reuse_address = False

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__((LOOPBACK, 0), handler)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class LoopbackServer:
    """Serves *handler* from construction to `close()`; use it as a context manager."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self._server = _Server(handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{LOOPBACK}:{self.port}"

    def close(self) -> None:
        """Stop, hang up on clients and free the port; a second call does nothing."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.hang_up()
            self._server.server_close()
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class QuietHandler(BaseHTTPRequestHandler):
    """A request handler that prints nothing and gives up on silent clients after *timeout* seconds."""

    timeout = 60

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing: standard error belongs to the command."""


def exposed(page: Callable[[], tuple[int, str]]) -> LoopbackServer:
    """Serve metrics: *page* gives status and text of each answer."""

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            status, text = page()
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return LoopbackServer(Handler)

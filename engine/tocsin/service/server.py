"""The web server in a thread of its own; signals belong to the main thread."""

import contextlib
import logging
import socket
import threading
import time

import uvicorn
from fastapi import FastAPI

from tocsin.errors import UnavailableError
from tocsin.settings import Listen

log = logging.getLogger(__name__)

_START_SECONDS = 10.0
_STOP_SECONDS = 5.0


class WebServer:
    """Listens from construction on, so that a taken port is known before anything else starts."""

    def __init__(self, listen: Listen) -> None:
        family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
        try:
            self._socket = socket.create_server((listen.host, listen.port), family=family)
        except (OSError, UnicodeError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise UnavailableError(
                f"cannot listen on {listen.host}:{listen.port}: {why}", hint="port 0 takes a free one"
            ) from error
        self.listen = Listen(listen.host, self._socket.getsockname()[1])
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self, app: FastAPI) -> None:
        """Serve *app*; returns when requests are answered."""
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=2,
            limit_concurrency=200,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise UnavailableError("the web server did not start")
            time.sleep(0.005)

    def _run(self) -> None:
        try:
            if self._server is not None:
                self._server.run(sockets=[self._socket])  # installs no signal handlers outside the main thread
        except BaseException:
            log.exception("the web server stopped")

    def stop(self) -> None:
        """Answer what has been asked, then close; a second call does nothing."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)
        with contextlib.suppress(OSError):
            self._socket.close()

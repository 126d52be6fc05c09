"""HTTP connections under one deadline for a whole answer, never retried.

Time-outs of sockets start anew with every byte, so a server that drips would hold its client for ever. A guard closes
the connection instead when the time is up, wherever its reader is.
"""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.retry import Retry


class Guard:
    """Closes the connection that it watches when the time is up; *expired* says that it did."""

    def __init__(self, seconds: float) -> None:
        self.expired = False
        self._cut = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True

    def start(self) -> None:
        """Let the time run."""
        self._timer.start()

    def watch(self, connection: socket.socket) -> None:
        """Close this one."""
        with self._lock:
            self._socket = connection
            if self._cut:
                self._close()

    def cut(self) -> None:
        """Close now, or as soon as there is something to close: nobody wants the answer any more."""
        with self._lock:
            self._cut = True
            self._close()

    def stop(self) -> None:
        """Close nothing any more: the connection may serve somebody else next."""
        with self._lock:
            self._socket = None
        self._timer.cancel()

    def _expire(self) -> None:
        with self._lock:
            if self._socket is not None:
                self.expired = True
                self._close()

    def _close(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                # The plain socket's method: the one of TLS takes the object away that another thread reads from.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


_current: ContextVar[Guard | None] = ContextVar("_current", default=None)


@contextmanager
def deadline(seconds: float) -> Iterator[Guard]:
    """Give everything that this thread asks inside at most *seconds*, counted from the first byte of the way out."""
    guard = Guard(seconds)
    token = _current.set(guard)
    guard.start()
    try:
        yield guard
    finally:
        guard.stop()
        _current.reset(token)


class _Guarded:
    """Mixed into urllib3's connections: from the first byte of the answer the guard knows the socket."""

    sock: Any

    def getresponse(self) -> Any:
        guard = _current.get()
        if guard is not None and self.sock is not None:
            guard.watch(self.sock)
        return super().getresponse()  # type: ignore[misc]


class _Connection(_Guarded, HTTPConnection):
    pass


class _SecureConnection(_Guarded, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class GuardedAdapter(HTTPAdapter):
    """Connections under guard, kept open, never retried."""

    def __init__(self, connections: int) -> None:
        super().__init__(max_retries=Retry(total=0, read=False), pool_connections=2, pool_maxsize=connections)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make direct connections guarded ones."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Make connections through a proxy guarded ones."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager


def guarded(session: requests.Session, url: str, connections: int) -> None:
    """Let *session* ask at *url* by guarded connections, and at this machine itself by no proxy of the environment."""
    if _is_loopback(urlsplit(url).hostname or ""):
        session.trust_env = False
        session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
    for prefix in ("http://", "https://", url):
        session.mount(prefix, GuardedAdapter(connections))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return False

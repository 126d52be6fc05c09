"""What went wrong on the way to an answer, in a few words: the libraries' own hold object addresses and the whole URL.

A URL may hold a password, so nothing of it is repeated here.
"""

import socket
import ssl
from collections.abc import Iterator

import requests
import urllib3

from tocsin.adapters.http_deadline import Guard

CONNECT = 2.0
"""Seconds for a connection."""
TLS = "TLS failed"


def why(error: Exception, guard: Guard, limit: float) -> str:
    """Say what happened to a request that had *limit* seconds."""
    chain = list(_causes(error))
    if guard.expired:
        return f"timed out after {limit:g} s"
    for kind, words in (
        (ConnectionRefusedError, "connection refused"),
        (urllib3.exceptions.NameResolutionError, "the name of its host does not resolve"),
        (socket.gaierror, "the name of its host does not resolve"),
        (requests.exceptions.SSLError, _tls(chain)),
        (urllib3.exceptions.SSLError, _tls(chain)),
        (ConnectionResetError, "connection reset"),
        (BrokenPipeError, "connection reset"),
        (urllib3.exceptions.DecodeError, "answers with a broken encoding"),
        (requests.exceptions.ProxyError, "the proxy does not answer"),
        (urllib3.exceptions.ConnectTimeoutError, f"timed out: no connection after {min(CONNECT, limit):g} s"),
        (urllib3.exceptions.TimeoutError, f"timed out after {limit:g} s"),
        (TimeoutError, f"timed out after {limit:g} s"),
        (urllib3.exceptions.ProtocolError, "connection closed in the middle of the answer"),
    ):
        if any(isinstance(e, kind) for e in chain):
            return words
    return short(f"connection failed ({type(chain[-1]).__name__})")


def short(text: str, limit: int = 300) -> str:
    """On one line, and not for ever."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _tls(chain: list[BaseException]) -> str:
    """With what is wrong with the certificate, where it is that."""
    said = next((e.verify_message for e in chain if isinstance(e, ssl.SSLCertVerificationError)), "")
    return short(f"{TLS}: {said.rstrip('.')}") if said else TLS


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error with all that caused it; requests and urllib3 hide causes in arguments and in `reason`."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]

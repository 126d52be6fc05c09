"""From what a receiver said to a Delivery: what happened, whether to try again, and a detail without secrets."""

import json
import smtplib
import socket
import ssl
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import requests
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from tocsin.ports import Delivery, Outcome
from tocsin_notifiers.attempt import Answer, Attempt, Mailing
from tocsin_notifiers.message import one_line
from tocsin_notifiers.retry import http_outcome, retry_after, smtp_outcome

LONGEST_DETAIL = 200
SHORTEST_SECRET = 4


def unfinished(attempt: Attempt) -> Delivery | None:
    """Classify an attempt that did not end by itself, if so."""
    if attempt.busy:
        return Delivery(Outcome.RETRY, "earlier attempts still hang; this one was not begun")
    if attempt.worked is None:
        return Delivery(Outcome.UNKNOWN if attempt.begun else Outcome.RETRY, "no answer within the deadline")
    return None


def http_delivery(answer: Answer, now: datetime, secrets: Iterable[str]) -> Delivery:
    """Classify one HTTP exchange by its status alone; the body of a refusal goes into the detail."""
    if answer.status is None:
        return _network(answer.error)
    outcome = http_outcome(answer.status)
    said = _body(answer, secrets)[:500]
    detail = "" if outcome is Outcome.SENT else f"HTTP {answer.status}" + (f": {said}" if said else "")
    wait = waiting(answer, now) if outcome is Outcome.RETRY else None
    return Delivery(outcome, one_line(detail, LONGEST_DETAIL), wait)


def waiting(answer: Answer, now: datetime) -> timedelta | None:
    """How long the receiver asks us to wait, if it does."""
    return retry_after(answer.headers.get("Retry-After"), now)


def document_of(answer: Answer) -> dict[str, Any]:
    """The JSON object that a receiver answered with; empty where it is none."""
    try:
        said = json.loads(answer.body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def strange(answer: Answer, secrets: Iterable[str]) -> Delivery:
    """A success that does not look like the receiver's own: a proxy's page, perhaps."""
    said = _body(answer, secrets)[:80]
    return Delivery(Outcome.UNKNOWN, one_line(f"HTTP {answer.status} with an unexpected body: {said}", LONGEST_DETAIL))


def _body(answer: Answer, secrets: Iterable[str]) -> str:
    """All that it said: a secret that is cut first would not be found."""
    return redacted(answer.body.decode("utf-8", "replace"), secrets)


def smtp_delivery(mailing: Mailing, secrets: Iterable[str]) -> Delivery:
    """Classify what a mail server said to one message."""
    error = mailing.error
    if error is None:
        return Delivery(Outcome.SENT)
    if isinstance(error, smtplib.SMTPAuthenticationError):
        # About the account, not the message: worth trying again until somebody has mended it.
        return Delivery(Outcome.RETRY, f"SMTP {error.smtp_code}: authentication failed")
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
        return _reply(code, text, secrets)
    if isinstance(error, smtplib.SMTPResponseException):
        reply = _reply(error.smtp_code, error.smtp_error, secrets)
        greeted = not isinstance(error, smtplib.SMTPConnectError | smtplib.SMTPHeloError)
        # A server that refuses us before it knows of any message, as one that lists our address, may take it later.
        return reply if greeted else replace(reply, outcome=Outcome.RETRY)
    if mailing.in_data:
        return Delivery(Outcome.UNKNOWN, "the connection broke after the message was sent")
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Delivery(Outcome.RETRY, one_line(f"the mail server cannot do what is needed: {error}", LONGEST_DETAIL))
    return _network(error)


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Hide every secret that a receiver may have echoed.

    >>> redacted("bad token xoxb-123", ["xoxb-123"])
    'bad token ***'
    """
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return text


def _reply(code: int, text: bytes | str, secrets: Iterable[str]) -> Delivery:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return Delivery(smtp_outcome(code), one_line(redacted(f"SMTP {code} {said}", secrets), LONGEST_DETAIL))


def _network(error: Exception | None) -> Delivery:
    """Say how a connection failed; before anything was sent it is safe to try again."""
    if error is None or isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema):
        return Delivery(Outcome.REJECTED, "the address is not valid")
    causes = [error, *_causes(error)]
    if any(isinstance(c, ssl.SSLError) for c in causes):
        said = next((c.verify_message for c in causes if isinstance(c, ssl.SSLCertVerificationError)), "")
        fault = f"the TLS connection was refused: {said.rstrip('.') or 'certificate or protocol'}"
        return Delivery(Outcome.RETRY, one_line(fault, LONGEST_DETAIL))
    if any(isinstance(c, NewConnectionError | ConnectTimeoutError | requests.ConnectTimeout) for c in causes):
        return Delivery(Outcome.RETRY, f"cannot connect{_unconnected(causes)}")
    if isinstance(error, requests.RequestException):
        what = "no answer in time" if isinstance(error, requests.Timeout) else "the connection broke"
        return Delivery(Outcome.UNKNOWN, what)
    return Delivery(Outcome.RETRY, f"cannot connect{_unconnected(causes) or f': {type(error).__name__}'}")


def _unconnected(causes: Iterable[object]) -> str:
    """Why there is no connection, in words."""
    for kind, words in (
        (socket.gaierror, "the name of its host does not resolve"),
        (NameResolutionError, "the name of its host does not resolve"),
        (ConnectionRefusedError, "connection refused"),
        (ConnectionResetError, "connection reset"),
        (TimeoutError, "nobody answers there"),
        (requests.exceptions.ProxyError, "the proxy lets nobody through"),
        (ConnectTimeoutError | requests.ConnectTimeout, "nobody answers there"),
    ):
        if any(isinstance(cause, kind) for cause in causes):
            return f": {words}"
    return ""


def _causes(error: BaseException) -> Iterable[object]:
    """Everything that *error* wraps, in whichever way its library does."""
    for inner in (*error.args, getattr(error, "reason", None), error.__cause__):
        if isinstance(inner, BaseException):
            yield inner
            yield from _causes(inner)

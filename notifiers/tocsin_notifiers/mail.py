"""SMTP as senders see it: `smtplib`, with everything noted that the server said."""

import smtplib
import socket
from collections.abc import Callable
from types import ModuleType
from typing import Any

from tocsin_notifiers.attempt import Mailing, current


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
        if (attempt := current.get()) is not None:
            attempt.begin()
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
        attempt = current.get()
        if attempt is not None:
            attempt.mailings.append(mailing)


class Smtp(_Listening, smtplib.SMTP):  # type: ignore[misc]  # passes on whatever it is given
    """A connection."""


class SmtpSsl(_Listening, smtplib.SMTP_SSL):  # type: ignore[misc]  # passes on whatever it is given
    """A connection that is encrypted from the first byte."""


class Smtplib(ModuleType):
    """`smtplib` as Apprise sees it."""

    SMTP = Smtp
    SMTP_SSL = SmtpSsl

    def __getattr__(self, name: str) -> Any:
        return getattr(smtplib, name)


SMTPLIB = Smtplib("smtplib")

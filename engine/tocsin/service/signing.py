"""What links in messages are signed with: who got the message may do it, who merely reaches the port may not."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

VALID = timedelta(days=7)
"""How long a link that silences holds; reminders bring fresh ones."""
_DIGITS = 32
"""Hexadecimal digits of a signature: 128 bits."""


def signed(secret: str, text: str) -> str:
    """The signature of *text*; empty without a secret."""
    if not secret:
        return ""
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()[:_DIGITS]


def genuine(secret: str, text: str, signature: str) -> bool:
    """Whether *signature* is that of *text*; without a secret everything is."""
    return not secret or hmac.compare_digest(signed(secret, text).encode(), signature.encode(errors="replace"))


@dataclass(frozen=True, slots=True)
class Permit:
    """What the query of a silence link says; both are empty where Tocsin has no secret."""

    expires: str = ""
    signature: str = ""

    @property
    def query(self) -> str:
        """As it stands in a link."""
        return "?" + urlencode({"expires": self.expires, "signature": self.signature}) if self.signature else ""


def permit(secret: str, episode: str, at: datetime) -> Permit:
    """Allow to silence *episode*, in a message of *at*."""
    if not secret:
        return Permit()
    expires = str(int((at + VALID).timestamp()))
    return Permit(expires, signed(secret, _signed_text(episode, expires)))


def refusal(secret: str, episode: str, shown: Permit, now: datetime) -> str:
    """Why who shows this may not silence *episode*; empty where they may."""
    if not genuine(secret, _signed_text(episode, shown.expires), shown.signature):
        return "the signature is missing or wrong"
    if secret and int(shown.expires) <= now.timestamp():  # a number, as we have signed it
        return "the link has expired"
    return ""


def _signed_text(episode: str, expires: str) -> str:
    return f"silence {episode} until {expires}"

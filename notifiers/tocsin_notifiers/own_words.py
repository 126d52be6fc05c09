"""What a workspace writes in the place of our messages: templates of its own, checked before they are used.

They run in a process of their own, without files, secrets or access to anything but the words of the message.
"""

import logging
from dataclasses import replace
from datetime import datetime

from tocsin.ports import Notification
from tocsin_notifiers.confined import fill
from tocsin_notifiers.message import LONGEST_TITLE, cleaned, notes, one_line, render
from tocsin_notifiers.subjects import mail_base

log = logging.getLogger(__name__)


def text(notification: Notification, now: datetime, template: str | None) -> str | None:
    """The body by a workspace's own *template*; None where there is none, or it fails.

    Notes about the message itself (it is late, it may be a repeat) are told, also by a template that does not.
    """
    clean = cleaned(notification)
    if template is None:
        return None
    try:
        body, told_already = fill(template, clean, now)
    except Exception as error:  # noqa: BLE001  # whatever a template does wrong, the page goes out
        log.warning("a template failed, the message is in our own words", extra={"error": str(error)})
        return None
    told = "" if told_already else "".join(f"Note: {note}.\n" for note in notes(clean, now))
    return f"{told}{body}\n"


def body(notification: Notification, now: datetime, template: str | None, ours: str = "email.txt.j2") -> str:
    """The body by *template*, or in our own words, which say so where it failed."""
    return text(notification, now, template) or render(marked(notification, template), now, ours).body


def topic(notification: Notification, now: datetime, template: str | None) -> str:
    """What the subject of a mail says besides the state."""
    clean = cleaned(notification)
    try:
        return one_line(fill(template, clean, now)[0], LONGEST_TITLE) if template else mail_base(clean)
    except Exception:  # noqa: BLE001
        return mail_base(clean)


def marked(notification: Notification, template: str | None) -> Notification:
    """The message with a line that its *template*, if there is one, has failed."""
    failed = ("the workspace's own template failed; tocsin check may say why",) if template else ()
    return replace(notification, notes=(*notification.notes, *failed))

"""A notification as the HTML part of a mail: the words of the text part, all values escaped, nothing from elsewhere."""

import re
from datetime import datetime
from functools import cache

from jinja2 import PackageLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tocsin.ports import Notification
from tocsin_notifiers.message import about, cleaned, gist, moment, plain, subject, titled, words_of

_COLOURS = {"critical": "#b3261e", "warning": "#8a5a00", "info": "#1f5fa8"}
_DONE = "#1b6e3c"


def render_html(notification: Notification, now: datetime) -> str:
    """Put *notification* into HTML; where the template fails, the plain words stand there, escaped."""
    clean = cleaned(notification)
    words = words_of(clean, now)
    try:
        return _environment().get_template("email.html.j2").render(words)
    except Exception:  # noqa: BLE001  # whatever a template does wrong, the page goes out
        fallback = "<!doctype html><title>{{ head }}</title><pre>{{ head }}\n\n{{ text }}</pre>"
        return _environment().from_string(fallback).render(head=subject(clean), text=plain(clean))


def colour(severity: str, *, over: bool) -> str:
    """Colour of one alert, readable on white."""
    return _DONE if over else _COLOURS.get(severity, _COLOURS["warning"])


def web_link(value: str) -> str | None:
    """The address if it is one that a reader may follow."""
    return value if re.fullmatch(r"(?i)https?://\S+", value) else None


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=PackageLoader("tocsin_notifiers"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"about": about, "gist": gist, "titled": titled, "moment": moment, "web_link": web_link}
    environment.globals["colour"] = colour
    return environment

"""A notification as the HTML part of a mail: the words of the text part, all values escaped, nothing from elsewhere."""

import re
from datetime import datetime
from functools import cache

from jinja2 import PackageLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tocsin.ports import Notification, Picture
from tocsin_notifiers.message import about, cleaned, gist, moment, plain, words_of
from tocsin_notifiers.subjects import subject, titled

_COLOURS = {"critical": "#b3261e", "warning": "#8a5a00", "info": "#1f5fa8"}
_DONE = "#1b6e3c"


PICTURE = "graph@tocsin"
"""The Content-ID of the picture in a mail. https://www.rfc-editor.org/rfc/rfc2392"""


def render_html(notification: Notification, now: datetime, picture: Picture | None = None) -> str:
    """Put *notification* into HTML; where the template fails, the plain words stand there, escaped."""
    clean = cleaned(notification)
    words = words_of(clean, now) | {"picture": picture, "cid": PICTURE}
    try:
        return _environment().get_template("email.html.j2").render(words)
    except Exception:  # noqa: BLE001  # whatever a template does wrong, the page goes out
        fallback = "<!doctype html><title>{{ head }}</title><pre>{{ head }}\n\n{{ text }}</pre>"
        return _environment().from_string(fallback).render(head=subject(clean), text=plain(clean))


def html_of(head: str, text: str, picture: Picture | None = None) -> str:
    """Put a *text* that is written already into HTML, its columns kept; addresses can be followed."""
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{{ head }}</title></head>'
        '<body style="margin:0;padding:16px;background:#ffffff;color:#1c1c1c;font:14px/1.45 monospace">'
        '<div style="max-width:720px;white-space:pre-wrap;overflow-wrap:anywhere">'
        '{{ text | urlize(rel="noreferrer") }}</div>{% include "picture.html.j2" %}</body></html>'
    )
    return _environment().from_string(page).render(head=head, text=text, picture=picture, cid=PICTURE)


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

"""The border to Apprise: the one place that knows its plugins, and what they do behind our back.

Apprise tells only whether a send worked. Here its plugins talk through stand-ins for `requests` and `smtplib` that
keep what the receiver answered, so that a 429 and a 404 can be told apart. A plugin is called directly, in a daemon
thread with a wall deadline: Apprise's own pool is shared by all services and is joined when the process exits.
Its log is switched off, because it prints tokens.
"""

import logging
import sys
import warnings
from collections.abc import Mapping
from typing import Any

import requests

from tocsin.errors import MisuseError
from tocsin_notifiers.attempt import Attempt, Gate
from tocsin_notifiers.mail import SMTPLIB
from tocsin_notifiers.web import REQUESTS

with warnings.catch_warnings():
    # Modules that Apprise tries to import are deprecated; loading all plugins here keeps their warnings in here, too.
    warnings.simplefilter("ignore")
    import apprise
    import apprise.plugins.email.smtp as apprise_smtp
    from apprise.manager_plugins import NotificationManager

    NotificationManager().load_modules()  # type: ignore[no-untyped-call]  # no annotations there

logging.getLogger("apprise").disabled = True  # whatever levels somebody sets


def send(
    gate: Gate,
    service: Mapping[str, Any] | str,
    *,
    title: str,
    body: str,
    mood: str,
    seconds: float,
    endpoint: str | None = None,
) -> Attempt:
    """Send once through the plugin of *service*; returns after *seconds* at the latest."""
    plugin = load(service)
    return gate.run(
        lambda: plugin.notify(title=title, body=body, notify_type=mood, body_format="text"), seconds, endpoint
    )


def load(service: Mapping[str, Any] | str) -> Any:
    """Build a plugin from a dictionary or a URL; MisuseError, without the secret, when Apprise refuses it."""
    try:
        plugin = apprise.Apprise.instantiate(
            dict(service) if isinstance(service, Mapping) else service, asset=_asset(), suppress_exceptions=False
        )
    except Exception as error:  # noqa: BLE001  # constructors raise what they like
        raise MisuseError(f"the settings are not accepted ({type(error).__name__})") from None
    if plugin is None:
        raise MisuseError("this is no notification service that is known")
    plugin.request_rate_per_sec = 0  # the courier keeps the pace; the plugin would sleep in its thread
    if "overflow_mode" not in vars(plugin):  # what a service refuses for its length would reach nobody
        plugin.overflow_mode = apprise.OverflowMode.TRUNCATE
    plugin.socket_connect_timeout = min(float(plugin.socket_connect_timeout), 10.0)
    _listen_in(type(plugin))
    return plugin


def _asset() -> apprise.AppriseAsset:
    return apprise.AppriseAsset(app_id="Tocsin", app_desc="Tocsin", http_redirects=False, async_mode=False)


def _listen_in(plugin: type) -> None:
    for base in plugin.__mro__:
        names = vars(sys.modules[base.__module__])
        if base.__module__.startswith("apprise.plugins.") and names.get("requests") is requests:
            names["requests"] = REQUESTS
    vars(apprise_smtp)["smtplib"] = SMTPLIB

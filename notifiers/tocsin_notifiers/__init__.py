"""Ways out: email, Slack, PagerDuty, Alertmanager, any Apprise URL. A channel is built with its secrets resolved."""

from collections.abc import Callable

from tocsin.errors import MisuseError
from tocsin.ports import Channel
from tocsin_notifiers import alertmanager, apprise_url, email, pagerduty, slack
from tocsin_notifiers.settings import Settings

Factory = Callable[[str, Settings], Channel]

CHANNELS: dict[str, Factory] = {
    "alertmanager": alertmanager.build,
    "apprise": apprise_url.build,
    "email": email.build,
    "pagerduty": pagerduty.build,
    "slack": slack.build,
}
"""Kinds of channels, the same that the schema knows; what has none of its own is reached by `apprise`."""

__all__ = ["CHANNELS", "build"]


def build(name: str, kind: str, settings: Settings) -> Channel:
    """Build the channel *name*; MisuseError says which setting is wrong, and never shows it."""
    factory = CHANNELS.get(kind)
    if factory is None:
        raise MisuseError(f"channel {name!r}: {kind!r} is no kind of channel; known are {', '.join(CHANNELS)}")
    try:
        return factory(name, settings)
    except MisuseError as error:
        raise MisuseError(f"channel {name!r} ({kind}): {error}", hint=error.hint) from None

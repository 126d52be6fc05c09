"""Ways out: email, Slack, PagerDuty, any Apprise URL. A channel is built with its secrets already resolved."""

from collections.abc import Callable
from importlib.metadata import entry_points

from tocsin.errors import MisuseError
from tocsin.ports import Channel
from tocsin_notifiers import apprise_url, email, pagerduty, slack
from tocsin_notifiers.settings import Settings

Factory = Callable[[str, Settings], Channel]

CHANNELS: dict[str, Factory] = {
    "apprise": apprise_url.build,
    "email": email.build,
    "pagerduty": pagerduty.build,
    "slack": slack.build,
}
"""Kinds of channels; other packages add theirs by the entry point group `tocsin.channels`."""

__all__ = ["CHANNELS", "build"]


def build(name: str, kind: str, settings: Settings) -> Channel:
    """Build the channel *name*; MisuseError says which setting is wrong, and never shows it."""
    factory = CHANNELS.get(kind)
    if factory is None:
        found = [point for point in entry_points(group="tocsin.channels") if point.name == kind]
        if not found:
            raise MisuseError(f"channel {name!r}: {kind!r} is no kind of channel; known are {', '.join(CHANNELS)}")
        factory = found[0].load()
    try:
        channel: Channel = factory(name, settings)
    except MisuseError as error:
        raise MisuseError(f"channel {name!r} ({kind}): {error}", hint=error.hint) from None
    return channel

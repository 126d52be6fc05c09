"""Ways out: email, Slack, PagerDuty, Alertmanager, any Apprise URL. A channel is built with its secrets resolved."""

from collections.abc import Callable
from importlib import import_module

from tocsin.errors import MisuseError
from tocsin.ports import Channel
from tocsin_notifiers.settings import Settings

Factory = Callable[[str, Settings], Channel]


def _lazily(module: str) -> Factory:
    """Build with the `build` of *module*, imported with its libraries when somebody wants such a channel."""

    def build(name: str, settings: Settings) -> Channel:
        factory: Factory = import_module(f"{__name__}.{module}").build
        return factory(name, settings)

    return build


CHANNELS: dict[str, Factory] = {
    "alertmanager": _lazily("alertmanager"),
    "apprise": _lazily("apprise_url"),
    "email": _lazily("email"),
    "pagerduty": _lazily("pagerduty"),
    "slack": _lazily("slack"),
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

"""Reading a channel's settings: what must be there, and what it may look like."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from tocsin.errors import MisuseError

Settings = Mapping[str, str | tuple[str, ...] | None]


def required(settings: Settings, key: str) -> str:
    """Read a setting that has no default."""
    value = optional(settings, key)
    if value is None:
        raise MisuseError(f"{key} is missing or empty")
    return value


def optional(settings: Settings, key: str) -> str | None:
    """Read a setting; an empty text, as an unset environment variable gives it, is none."""
    value = settings.get(key)
    if isinstance(value, tuple):
        value = ",".join(value)
    return value.strip() if value and value.strip() else None


def endpoint(settings: Settings) -> str | None:
    """Read where to send instead of the service's own address, without a path of its own API."""
    value = optional(settings, "endpoint")
    if value is not None:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise MisuseError("endpoint is not a http or https URL")
    return value

"""Times and time zones as they are written."""

from datetime import UTC, datetime, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from tocsin.schema.words import did_you_mean
from tocsin.spec.readers.node import Node


def read_zone(node: Node, code: str) -> ZoneInfo | None:
    """A time zone; UTC where none is given, None where there is no such one."""
    name = node.text("UTC")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of the database is an OSError
        node.report(
            code,
            f"{name!r} is not in the IANA time zone database",
            did_you_mean(name, available_timezones()) or "write a name such as Asia/Ho_Chi_Minh or UTC",
        )
        return None


def read_instant(node: Node, zone: ZoneInfo, code: str) -> datetime | None:
    """The UTC instant of a local time; a time that the zone skips or has twice cannot mean one."""
    if not isinstance(node.value, str):
        return None
    try:
        written = datetime.fromisoformat(node.value)
        if written.tzinfo is not None:
            return written.astimezone(UTC)
        early, late = (written.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        skipped = early.astimezone(zone).replace(tzinfo=None) != written
    except (ValueError, OverflowError):
        node.report(code, f"{node.value!r} is not a time", "write it as in 2026-11-01T02:00")
        return None
    if skipped:
        later = early.astimezone(zone).replace(tzinfo=None).isoformat(timespec="minutes")
        node.report(
            code,
            f"{node.value} does not exist in {zone.key}: clocks were put forward over it",
            f"{later} is the same moment after the change",
        )
        return None
    if early != late:
        first, second = (f"{node.value}{_offset(moment, written)}" for moment in (early, late))
        node.report(
            code,
            f"{node.value} happened twice in {zone.key}: clocks were put back",
            f"write {first} for the first time or {second} for the second",
        )
        return None
    return early


def _offset(moment: datetime, local: datetime) -> str:
    """The offset from UTC that makes *local* mean *moment*, such as +02:00."""
    return str(timezone(local - moment.replace(tzinfo=None))).removeprefix("UTC")

"""channel/fallback."""

from collections.abc import Iterator, Mapping

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.spec import ChannelSpec


@check("channel/fallback")
def channel_fallback(subject: Subject) -> Iterator[Diagnostic]:
    """Fallbacks end somewhere.

    A message that two channels hand to each other is sent by neither. Each loop is told once, at one of its channels.

    Bad: `a: {…, fallback: b}` and `b: {…, fallback: a}`

    Good: `a: {…, fallback: b}` and `b: {…}`
    """
    channels = {name: spec for each in subject.workspace.notifications for name, spec in each.channels.items()}
    told: set[str] = set()
    for name in sorted(channels):
        loop = _loop(channels, name)
        if loop and not told & set(loop):
            told |= set(loop)
            message = f"the fallbacks go round in a circle: {' → '.join((*loop, name))}"
            hint = "let one of them have no fallback, best the one that never fails"
            yield Diagnostic("channel/fallback", channels[name].span, message, Severity.ERROR, hint=hint)


def _loop(channels: Mapping[str, ChannelSpec], start: str) -> tuple[str, ...]:
    """The fallbacks from *start* back to it; nothing where they end, or go round without it."""
    path = [start]
    while (after := channels[path[-1]].fallback) in channels and after is not None:
        if after == start:
            return tuple(path)
        if after in path:
            return ()
        path.append(after)
    return ()

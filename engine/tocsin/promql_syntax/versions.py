"""Versions of Prometheus, and what an expression needs of them."""

from dataclasses import dataclass
from typing import NamedTuple


class Version(NamedTuple):
    """A version of Prometheus, as far as its language depends on it."""

    major: int
    minor: int

    @classmethod
    def of(cls, text: str) -> "Version":
        """Read `2.42`, `v3.1.0` or `3`.

        >>> Version.of("v2.42.0"), str(Version.of("3"))
        (Version(major=2, minor=42), '3.0')
        """
        major, _, rest = text.removeprefix("v").partition(".")
        return cls(int(major), int(rest.partition(".")[0] or 0))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


OLDEST = Version(2, 42)
"""The first version that knows keep_firing_for, which compiled rules use."""


@dataclass(frozen=True, slots=True)
class Feature:
    """Something at [start, end) of a text that not every Prometheus from 2.42 on understands.

    *until* is the first version without it. *flag* is the feature flag without which versions before *stable*
    refuse it.
    """

    what: str
    start: int
    end: int
    since: Version = OLDEST
    until: Version | None = None
    flag: str = ""
    stable: Version | None = None
    instead: str = ""
    """What does the same where this is not understood."""

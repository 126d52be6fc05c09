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

    def refused_by(self, version: Version) -> bool:
        """Whether a Prometheus of *version* refuses it, feature flags aside."""
        return version < self.since or (self.until is not None and version >= self.until)

    def flagged_in(self, version: Version) -> str:
        """The feature flag that *version* needs for it; empty where it needs none."""
        return self.flag if self.stable is None or version < self.stable else ""

    @property
    def needs(self) -> str:
        """Which versions understand it, as a sentence."""
        if self.until is not None:
            return f"{self.what} is gone since Prometheus {self.until}"
        return f"{self.what} needs Prometheus {self.since} or newer"

    @property
    def remedy(self) -> str | None:
        """What to do about it."""
        if self.instead:
            return f"use {self.instead}"
        return f"it also needs --enable-feature={self.flag}" if self.flag else None

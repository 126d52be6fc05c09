"""What a conversation goes on with when routes have changed under it; pure.

A conversation is named by the route that opened it, and keeps its name, its thread and its incidents until all is over.
Its settings are those of the route that leads its alerts to its channel now: its own while that does, else the first
that does. Where no route leads an alert anywhere any more, the timers that it had last go on. Where one leads it
elsewhere, those people are told, and here nothing but the end is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin.evaluate.memory import GroupEpisode, GroupKey, Timers
from tocsin.evaluate.model import AlertView
from tocsin.notify.routing import NO_ROUTE, Directory
from tocsin.spec import Digest

AT_ANY_TIME = timedelta.max
"""Known for so long that every step of an escalation leads somewhere."""


@dataclass(frozen=True, slots=True)
class Course:
    """How one conversation goes on at *now*.

    *routes* says for each of its alerts which route it goes on with; None: with none, it is told elsewhere.
    """

    directory: Directory
    now: datetime
    routes: Mapping[str, str | None]

    def digest(self, episodes: Iterable[GroupEpisode]) -> Digest | None:
        """When those of *episodes* that were not told by themselves are told together, if they are."""
        return next((found for e in episodes if e.told_at is None and (found := self._digest(e))), None)

    def quiet(self, episode: GroupEpisode) -> str:
        """Why nothing but its end is told here; empty where all is."""
        route = self.routes[episode.text.dedup_key]
        if route is None:
            return "its routes lead elsewhere now"
        if why := self.directory.quiet(route, self.now):
            return f"its route is quiet {why}"
        told_alone = episode.told_at is not None
        return "its route tells by digest now" if told_alone and self._digest(episode) else ""

    def rests(self, episode: GroupEpisode) -> bool:
        """Whether the route that it goes on with is quiet."""
        route = self.routes[episode.text.dedup_key]
        return route is not None and bool(self.directory.quiet(route, self.now))

    def _digest(self, episode: GroupEpisode) -> Digest | None:
        route = self.routes[episode.text.dedup_key]
        return None if route is None else self.directory.digest(route)

    def timers(self, last: Timers | None) -> Timers:
        """The shortest waits of all its routes, or those it had *last*."""
        names = dict.fromkeys(filter(None, self.routes.values()))
        found = [timers for name in names if (timers := self.directory.timers(name)) is not None]
        if not found:
            return last or Timers()
        if len(found) == 1:
            return found[0]
        return Timers(
            wait=min(timers.wait for timers in found),
            interval=min(timers.interval for timers in found),
            repeat=min(timers.repeat for timers in found),
            flap=min(timers.flap for timers in found),
            longest=min(timers.longest for timers in found),
        )


def goes_on_with(
    key: GroupKey, episode: GroupEpisode, directory: Directory, view: AlertView | None, now: datetime
) -> str | None:
    """The route that *episode* goes on with; one that nobody sees any more may have named its channel."""
    if view is not None:
        ways = directory.ways(view, AT_ANY_TIME)
    else:
        ways = directory.led(dict(episode.text.labels), (key.channel,), AT_ANY_TIME)
    names = [way.key.route for way in ways if way.key.channel == key.channel]
    if not names:
        return None if ways else key.route
    if key.route in names or names == [NO_ROUTE]:
        return key.route
    return next((name for name in names if not directory.quiet(name, now)), names[0])

"""The channels of definitions as a running process uses them: with their secrets, graphs, counts, and signs of life."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tocsin.definitions import Definitions
from tocsin.ports import HEARTBEAT, Channel, Clock, Illustrator
from tocsin.service.telemetry import Telemetry
from tocsin.service.wiring import build_channels, heartbeat


@dataclass(frozen=True, slots=True)
class Outlets:
    """Builds channels; *beat* is the URL of the heartbeat, if there is one, and *fault* says why it should stop."""

    environ: Mapping[str, str]
    beat: str | None
    fault: Callable[[], str]
    illustrate: Illustrator
    telemetry: Telemetry
    clock: Clock

    def built(self, definitions: Definitions) -> dict[str, Channel]:
        """Every channel by name; raises UnavailableError where a secret is missing."""
        channels = build_channels(definitions.workspace.notifications, self.environ, self.illustrate)
        if self.beat:
            channels[HEARTBEAT] = heartbeat(self.beat, self.fault)
        return channels

    def counted(self, channels: Mapping[str, Channel]) -> dict[str, Channel]:
        """The same *channels*; what they send is counted."""
        return {name: self.telemetry.counted(channel, self.clock) for name, channel in channels.items()}

"""The courier in use, and earlier ones that finish what they had under way when the definitions changed."""

import time
from collections.abc import Iterable, Mapping
from datetime import timedelta

from tocsin.evaluate.memory import Fallback, OutboxDepth, Store
from tocsin.ports import Channel, Clock
from tocsin.service.delivery import Courier, Worker


class Couriers:
    """Delivers through the channels of the definitions in use; the store keeps couriers from sending anything twice."""

    def __init__(
        self, store: Store, clock: Clock, channels: Mapping[str, Channel], others: Mapping[str, Fallback]
    ) -> None:
        self._store = store
        self._clock = clock
        self._current = Courier(store, channels, clock, fallbacks=others)
        self._retired: list[Courier] = []

    def wake(self) -> None:
        """Look into the outbox now."""
        self._current.wake()

    def start(self) -> None:
        """Begin to deliver."""
        self._current.start()

    def hand_over(self, channels: Mapping[str, Channel], others: Mapping[str, Fallback]) -> None:
        """Take up other channels, to be started; what is being sent is finished beside."""
        self._retired = [c for c in (*self._retired, self._current) if not c.stop(timedelta())]
        self._current = Courier(self._store, channels, self._clock, fallbacks=others)

    def workers(self, depths: Iterable[OutboxDepth]) -> tuple[Worker, ...]:
        """How each channel's worker does, given the outbox."""
        return self._current.workers(depths)

    def stop(self, end: float) -> bool:
        """Deliver what is due until *end* of the monotonic clock; whether all of it was."""
        couriers = (self._current, *self._retired)
        drained = [c.stop(timedelta(seconds=max(0.0, end - time.monotonic()))) for c in couriers]
        return all(drained)

"""The canaries of one process: what is due is remembered before it is sent, so none can come with every evaluation."""

import logging
from collections.abc import Mapping
from datetime import datetime

from tocsin.errors import TocsinError
from tocsin.evaluate.memory import GroupKey, GroupState
from tocsin.notify.canary import Canary, CanaryStore, released
from tocsin.ports import Notification
from tocsin.spec import Notifications

log = logging.getLogger(__name__)


class Canaries:
    """Test messages of channels that ask for them; a store that fails costs a test, and no evaluation."""

    def __init__(self, store: CanaryStore) -> None:
        self._store = store

    def released(
        self, notifications: tuple[Notifications, ...], groups: Mapping[GroupKey, GroupState], now: datetime
    ) -> tuple[Notification, ...]:
        """What goes into the outbox now."""
        if not any(spec.canary for document in notifications for spec in document.channels.values()):
            return ()
        try:
            after, messages = released(notifications, self._store.all(), groups, now)
            if after:
                self._store.put(after)
        except TocsinError as error:
            log.warning("no test message can be sent", extra={"error": str(error)})
            return ()
        return messages

    def known(self) -> Mapping[str, Canary]:
        """The last one of each channel; none while the store does not answer."""
        try:
            return self._store.all()
        except TocsinError as error:
            log.warning("the test messages cannot be read", extra={"error": str(error)})
            return {}

"""The application with the forms behind the links of messages, over real stores."""

from pathlib import Path
from typing import Any

import httpx
from tests import builders
from tests.alerts import NOON, seconds, view
from tests.fakes import FakeSource, HandClock
from tests.sites import together

from tocsin.adapters.acknowledgement_store import SqlAcknowledgements
from tocsin.adapters.silence_store import SqlSilences
from tocsin.adapters.store import SqlStore
from tocsin.evaluate.model import AlertView, Snapshot
from tocsin.ports import SourceHealth
from tocsin.service.api import Desk
from tocsin.service.app import create_app
from tocsin.service.board import Board, Standing
from tocsin.service.quiet import Quiet
from tocsin.service.silencing import Silencing
from tocsin.service.taken import Taken
from tocsin.service.telemetry import Telemetry


class FormSite:
    """The application over real stores, with one open alert."""

    def __init__(self, folder: Path, secret: str = "", alert: AlertView | None = None) -> None:
        state = str(folder / "state.db")
        self._stores = SqlStore(state), SqlAcknowledgements(state), SqlSilences(state)
        store, acknowledgements, silences = self._stores
        self.taken = Taken(acknowledgements, secret)
        self.quiet, self.clock = Quiet(silences), HandClock(NOON)
        self.board = Board(Standing(builders.workspace(), seconds(15), NOON))
        self.board.update(
            snapshot=Snapshot(NOON, SourceHealth(ok=True, since=NOON), alerts=(alert or view("k1"),)), ticked_at=NOON
        )
        desk = Desk(self.board, store, FakeSource(), self.clock)
        silencing = Silencing(desk, self.quiet, secret)
        self._app = create_app(desk, Telemetry("0"), version="1", taken=self.taken, silencing=silencing)

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request."""
        return together(self._app, lambda client: client.request(method, path, **more))

    def close(self) -> None:
        """Let go of the stores."""
        for store in self._stores:
            store.close()

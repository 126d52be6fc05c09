"""What a process of `tocsin serve` knows before its first evaluation: silences and acknowledgements of those before."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import create_engine, text
from tests.alerts import view

from tocsin.adapters.acknowledgement_store import SqlAcknowledgements
from tocsin.adapters.silence_store import SqlSilences
from tocsin.adapters.store import SqlStore
from tocsin.definitions import read_definitions
from tocsin.errors import UnavailableError
from tocsin.evaluate.memory import Commit
from tocsin.evaluate.model import Acknowledgement
from tocsin.matchers import parse_matchers
from tocsin.notify.silences import Silence
from tocsin.service.run import Process
from tocsin.service.scheduler import Due
from tocsin.settings import Settings

NOW = datetime.now(UTC).replace(microsecond=0)
NOTIFICATIONS = """\
apiVersion: tocsin/v1
kind: Notifications
name: platform
channels:
  pager: {pagerduty: {integration_key: {env: KEY}, endpoint: "http://127.0.0.1:9/"}}
routes:
  - {match: {}, to: [pager], group_wait: 0s}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A state in which an alert is open; it was silenced and taken up after the last evaluation."""
    (tmp_path / "notifications.yaml").write_text(NOTIFICATIONS)
    state = str(tmp_path / "state.db")
    silence = Silence(
        id="s1",
        matchers=parse_matchers('service="be-camera"'),
        starts_at=NOW - timedelta(hours=1),
        ends_at=NOW + timedelta(hours=1),
        created_by="ana",
        comment="disks",
        updated_at=NOW - timedelta(hours=1),
    )
    with closing(SqlStore(state)) as store, closing(SqlSilences(state)) as silences:
        store.commit(Commit(NOW, views=(view(fired=NOW),)))
        silences.put((silence,), NOW)
    with closing(SqlAcknowledgements(state)) as acknowledgements:
        acknowledgements.put("k1", Acknowledgement("bo", NOW, ""))
    return Settings.parse(
        paths=[str(tmp_path / "notifications.yaml")],
        prometheus="http://127.0.0.1:9",
        state=state,
        listen="127.0.0.1:0",
        interval="15s",
    )


@pytest.fixture
def process(settings: Settings) -> Iterator[Process]:
    """Made, and not started."""
    with ExitStack() as stack:
        yield Process(settings, read_definitions(settings.paths), {"KEY": "0123456789abcdef" * 2}, stack)


def dropped(settings: Settings, table: str) -> None:
    """Let the state fail where it holds *table*."""
    engine = create_engine(f"sqlite:///{settings.state}")
    with engine.begin() as connection:
        connection.execute(text(f"DROP TABLE {table}"))
    engine.dispose()


def shown(url: str, path: str) -> Any:
    """What the API says."""
    answer = requests.get(url + path, timeout=10)
    answer.raise_for_status()
    return answer.json()


def test_the_first_answers_know_of_them(settings: Settings, process: Process) -> None:
    """No evaluation was yet, and the state fails from the start on."""
    dropped(settings, "silences")
    dropped(settings, "acknowledgements")
    url = process.start()
    [alert] = shown(url, "/api/v2/alerts")
    [silence] = shown(url, "/api/v2/silences")
    [open_one] = shown(url, "/api/v1/status")["alerts"]
    process.stop()

    assert alert["status"]["silencedBy"] == ["s1"]
    assert silence["comment"] == "disks"
    assert open_one["acknowledgedBy"] == "bo"


def test_the_first_evaluation_tells_nobody_of_what_is_silenced(settings: Settings, process: Process) -> None:
    """An alert that a sender posts before it, while silences cannot be read."""
    dropped(settings, "silences")
    url = process.start()
    posted = [{"labels": {"alertname": name, "service": name}} for name in ("be-camera", "be-door")]
    assert requests.post(f"{url}/api/v2/alerts", json=posted, timeout=10).ok
    process._leading.evaluate(Due(NOW + timedelta(seconds=15)))
    with closing(SqlStore(settings.state)) as store:
        told = store.letters("pending", 9)
    process.stop()

    assert [title for letter in told for title in letter.titles] == ["be-door on be-door"]


def test_a_start_that_cannot_read_them_is_none(settings: Settings) -> None:
    """Without a first answer nothing could hold on."""
    with closing(SqlStore(settings.state)):
        dropped(settings, "silences")
    with ExitStack() as stack, pytest.raises(UnavailableError, match="no such table: silences"):
        Process(settings, read_definitions(settings.paths), {"KEY": "0123456789abcdef" * 2}, stack)

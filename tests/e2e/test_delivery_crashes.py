"""From the outbox to real receivers, with faults at our end: workers that fail, and kill -9."""

import json
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.alerts import message, text
from tests.couriers import post, running, settled, specs
from tests.mailservers import Particular

from tocsin.adapters.store import SqlStore
from tocsin.demo.receivers import HttpReceiver, Inbox, Reply
from tocsin.errors import UnavailableError
from tocsin.evaluate.memory import Parcel
from tocsin.ports import Action, Notification
from tocsin.service.delivery import REPEATED, Courier
from tocsin_notifiers import build

pytestmark = pytest.mark.real

PROCESS = Path(__file__).with_name("courier_process.py")


# --- workers that fail -------------------------------------------------------------------------------------


class Stumbling(SqlStore):
    """A store that fails with the *errors* that stand here, one at each lease."""

    def __init__(self, path: str, *errors: BaseException) -> None:
        super().__init__(path)
        self.errors = list(errors)

    def lease(self, *asked: Any, **options: Any) -> tuple[Parcel, ...]:
        """Fail, or lease."""
        if self.errors:
            raise self.errors.pop(0)
        return super().lease(*asked, **options)


@contextmanager
def stumbling(
    tmp_path: Path, web: HttpReceiver, inbox: Inbox, *errors: BaseException
) -> Iterator[tuple[Stumbling, Courier]]:
    """Run a courier of one channel on a store that fails."""
    store = Stumbling(str(tmp_path / "stumbling.db"), *errors)
    mail = {"email": build("email", "email", specs(web, inbox)["email"]["settings"])}
    try:
        post(store, message("email"))
        with running(store, mail) as courier:
            yield store, courier
    finally:
        store.close()


def test_a_worker_outlives_what_goes_wrong(
    tmp_path: Path, web: HttpReceiver, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever its store raises is logged with its traceback and counted, and the page goes out afterwards."""
    errors = (ValueError("year is out of range"), TypeError("no dictionary"), UnavailableError("disk I/O error"))
    with stumbling(tmp_path, web, inbox, *errors) as (store, courier):
        inbox.wait_for(timeout=10)
        assert settled(store)
        (worker,) = courier.workers(store.depths())

    assert (worker.alive, worker.failed, worker.failing, worker.error) == (True, 3, 0, "")
    assert "ValueError: year is out of range" in caplog.text
    assert "email to oncall@example.org: a round failed: disk I/O error" in caplog.messages


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_ends_all_the_same_is_noticed(tmp_path: Path, web: HttpReceiver, inbox: Inbox) -> None:
    """So that somebody restarts the process before the next page is due."""
    with stumbling(tmp_path, web, inbox, GeneratorExit()) as (store, courier):
        end = time.monotonic() + 10
        while courier.workers(())[0].alive and time.monotonic() < end:
            time.sleep(0.01)
        later = courier.workers(store.depths())[0]

    assert (later.channel, later.alive) == ("email", False)


# --- kill -9 -----------------------------------------------------------------------------------------------


@contextmanager
def process(
    path: Path, web: HttpReceiver, inbox: Inbox, deadline: float = 0.3, lease: float = 60
) -> Iterator[subprocess.Popen[str]]:
    """Run a courier as a process; at the end it is killed."""
    options = {"store": str(path), "channels": specs(web, inbox), "deadline": deadline, "lease": lease}
    child = subprocess.Popen([sys.executable, str(PROCESS), json.dumps(options)], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "delivering\n"
        yield child
    finally:
        child.kill()
        child.wait(10)
        if child.stdout is not None:
            child.stdout.close()


def test_killed_between_page_and_resolve(tmp_path: Path, store: SqlStore, web: HttpReceiver, inbox: Inbox) -> None:
    """After the restart the resolve arrives everywhere, and nobody is paged a second time."""
    path = tmp_path / "tocsin.db"
    names = ("email", "slack", "pagerduty")
    with process(path, web, inbox) as child:
        post(store, *(message(name) for name in names))
        assert settled(store)
        child.send_signal(signal.SIGKILL)
        child.wait(10)
    post(store, *(message(name, Action.RESOLVE, seq=1) for name in names))
    with process(path, web, inbox):
        assert settled(store)

    assert [m.subject.split()[0] for m in inbox.mails] == ["[FIRING]", "[RESOLVED]"]
    assert [r.json["event_action"] for r in web.requests if r.service == "pagerduty"] == ["trigger", "resolve"]
    slack = [r.json["attachments"][0]["title"].split()[0] for r in web.requests if r.service == "slack"]
    assert slack == ["[FIRING]", "[RESOLVED]"]


def test_killed_after_the_receiver_took_it(tmp_path: Path, store: SqlStore, web: HttpReceiver, inbox: Inbox) -> None:
    """Nobody recorded that the page went out: it goes again, once, with the same key, and on Slack with a mark.

    It does not wait for the lease of the dead process to run out.
    """
    path = tmp_path / "tocsin.db"
    web.answer(Reply(hang=True), path="/services")
    web.answer(Reply(hang=True), path="/v2")
    with process(path, web, inbox, deadline=20) as child:
        post(store, message("slack"), message("pagerduty"))
        web.wait_for(count=2)
        child.send_signal(signal.SIGKILL)
        child.wait(10)
    with process(path, web, inbox):
        assert settled(store)
    slack = [REPEATED in r.json["attachments"][0]["text"] for r in web.requests if r.service == "slack"]
    keys = [r.json["dedup_key"] for r in web.requests if r.service == "pagerduty"]

    assert (slack, keys) == ([False, True], ["thread", "thread"])


def test_killed_after_the_mail_server_took_it(tmp_path: Path, store: SqlStore, web: HttpReceiver) -> None:
    """The copy says that it may be one, and has the Message-ID of the first, so that mail programs can drop it."""
    path = tmp_path / "tocsin.db"
    with Particular() as inbox:
        inbox.hangs.add(("data", "oncall@example.org"))
        with process(path, web, inbox, deadline=20) as child:
            post(store, message("email"))
            inbox.wait_for()
            child.send_signal(signal.SIGKILL)
            child.wait(10)
        inbox.hangs.clear()
        with process(path, web, inbox):
            assert settled(store)

        assert [REPEATED in mail.text for mail in inbox.mails] == [False, True]
        assert len({mail["Message-ID"] for mail in inbox.messages}) == 1


def test_killed_at_any_time_while_receivers_fail(
    tmp_path: Path, store: SqlStore, web: HttpReceiver, inbox: Inbox
) -> None:
    """Every incident ends resolved and is never reopened; a copy on Slack says that it is one.

    PagerDuty is taken at its worst: it acts on every request that reached it, whatever it answered.
    """
    path, chance, kills, batch = tmp_path / "tocsin.db", random.Random(7), 4, 10
    faults = [Reply(500), Reply(503), Reply(429), Reply(hang=True), Reply(delay=0.1)]
    web.answer(*(chance.choice(faults) for _ in range(25)), path="/v2")
    web.answer(*[Reply(delay=0.03)] * 200, path="/services")
    for turn in range(kills + 1):
        with process(path, web, inbox) as child:
            ends = range(batch * (turn - 1), batch * turn) if turn else range(0)
            begins = range(batch * turn, batch * (turn + 1)) if turn < kills else range(0)
            post(store, *(m for i in ends for m in story_of(i, Action.RESOLVE)))
            post(store, *(m for i in begins for m in story_of(i, Action.FIRE)))
            if turn < kills:
                time.sleep(chance.uniform(0.1, 0.4))
                child.send_signal(signal.SIGKILL)
                child.wait(10)
            else:
                assert settled(store, 60)
    pages: dict[str, str] = {}
    slack: Counter[str] = Counter()
    repeats = 0
    for request in web.requests:
        if request.service == "pagerduty":
            pages[request.json["dedup_key"]] = (
                pages.get(request.json["dedup_key"], "") + request.json["event_action"][0]
            )
            continue
        (attachment,) = request.json["attachments"]
        marked = REPEATED in attachment["text"]
        repeats += marked
        slack[attachment["title"]] += not marked

    assert set(pages) == {f"k{i}" for i in range(batch * kills)}
    assert [key for key, actions in pages.items() if not re.fullmatch("t*r+", actions)] == []
    assert max(slack.values()) == 1
    assert repeats <= kills
    assert [depth.dead for depth in store.depths()] == [0, 0]


def story_of(i: int, action: Action) -> tuple[Notification, Notification]:
    """One message of incident *i* on both channels."""
    now = datetime.now(UTC)
    end = now if action is Action.RESOLVE else None
    seq = int(action is Action.RESOLVE)
    about = text(f"k{i}", title=f"be-camera {i}", resolved=end)
    return (
        message("pagerduty", action, about, key=f"k{i}", seq=seq, at=now),
        message("slack", action, about, key=f"k{i}", seq=seq, at=now),
    )

"""`tocsin doctor`: what it finds in a real state and in what a service says, and what it closes."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.alerts import NOON, channel, message, notifications, route, seconds, text, view

from tocsin.adapters.lease import SqlLease
from tocsin.adapters.running import Running
from tocsin.adapters.silence_store import SqlSilences
from tocsin.adapters.state_reader import read_state
from tocsin.adapters.store import SqlStore
from tocsin.cli.doctor import command
from tocsin.errors import MisuseError, UnavailableError
from tocsin.evaluate.memory import Commit, GroupEpisode, GroupKey, GroupState, Letter, Memory
from tocsin.evaluate.model import AlertState, AlertView, Identity, Phase, Timing
from tocsin.evaluate.rule import dedup_key
from tocsin.matchers import LabelMatcher
from tocsin.notify.canary import Canary
from tocsin.notify.silences import Silence
from tocsin.ports import Action, Delivery, Notification, Outcome
from tocsin.service.app import Check, Ready
from tocsin.service.doctor import of_canaries, of_letters, of_silences, orphans
from tocsin.service.doctor_running import of_metrics, of_readiness
from tocsin.service.doctor_state import close_orphans
from tocsin.units import Duration

FIRING = AlertState(Timing(Duration.of(minutes=1), Duration.of(seconds=0)), Phase.FIRING, 1, active_at=NOON)
CHANNELS = notifications(channel("email"), channel("pagerduty", "pagerduty"), route("email", "pagerduty"))
DEFINITIONS = """\
apiVersion: tocsin/v1
kind: Notifications
name: platform
channels:
  email: {email: {smtp: {host: 127.0.0.1, port: 25, tls: none}, from: a@example.org, to: [b@example.org]}}
  pagerduty: {pagerduty: {integration_key: {env: DOCTOR_TEST_KEY}}}
routes: [{match: {}, to: [email, pagerduty]}]
"""
KEY = {"DOCTOR_TEST_KEY": "0123456789abcdef" * 2}


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where a state may be."""
    return str(tmp_path / "tocsin.db")


@pytest.fixture
def store(path: str) -> Iterator[SqlStore]:
    """A state on the disk."""
    with closing(SqlStore(path)) as store:
        yield store


def page(one: AlertView, *others: AlertView, announced: bool = True) -> GroupState:
    """A conversation in which people were told of these alerts."""
    told = tuple(
        GroupEpisode(text(v.dedup_key), NOON, announced=announced, alert=v.identity, told_at=NOON)
        for v in (one, *others)
    )
    return GroupState(NOON, told, NOON, 1)


def stuck(store: SqlStore, *channels: str) -> AlertView:
    """Leave a page open whose alert is gone."""
    gone = view("gone")
    groups = {GroupKey(name, "*"): page(gone) for name in channels}
    store.commit(Commit(NOON, views=(gone,), groups=groups))
    return gone


def sent(store: SqlStore, name: str) -> list[Notification]:
    """What waits for a channel."""
    now = datetime.now(UTC) + seconds(1)
    return [parcel.notification for parcel in store.lease(name, now, now + seconds(30), 10)]


def asked(*arguments: str, environ: dict[str, str] | None = None) -> tuple[int, str]:
    """Exit code and output of the command."""
    result = CliRunner().invoke(command, arguments, env=environ or KEY, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.return_value, result.output


class TestOrphans:
    """Open pages without a live alert."""

    def test_a_page_whose_alert_fires_is_none(self, store: SqlStore) -> None:
        """Also if it only waits for `keep_firing_for`; one that is over everywhere is."""
        live, gone = view("live"), view("gone", service="shop")
        recovering = AlertState(FIRING.timing, Phase.RECOVERING, 1, active_at=NOON)
        store.commit(
            Commit(NOON, {live.identity: recovering}, (live, gone), {GroupKey("email", "*"): page(live, gone)})
        )

        assert [episode.text.dedup_key for _, episode in orphans(store.load())] == ["gone"]

    def test_the_number_of_the_episode_is_enough(self) -> None:
        """An alert that fires without a view still holds its page."""
        identity = Identity("shop/uptime:fast")
        key = dedup_key(identity, 1, NOON)
        held = GroupState(NOON, (GroupEpisode(text(key), NOON, announced=True, alert=identity),), NOON, 1)

        assert orphans(Memory({identity: FIRING}, {}, {GroupKey("email", "*"): held})) == ()
        assert len(orphans(Memory({}, {}, {GroupKey("email", "*"): held}))) == 1

    def test_what_was_never_told_is_none(self) -> None:
        """There is nothing to close."""
        groups = {GroupKey("email", "*"): page(view("new"), announced=False)}

        assert orphans(Memory({}, {}, groups)) == ()

    def test_they_are_closed_on_every_channel(self, store: SqlStore, path: str) -> None:
        """One RESOLVE each, with the reason; the episode is over; a second time there is nothing to close."""
        stuck(store, "email", "pagerduty")
        told = close_orphans(path, CHANNELS)
        again = close_orphans(path, CHANNELS)
        messages = [*sent(store, "email"), *sent(store, "pagerduty")]
        episode = store.episode("gone")

        assert (len(told), again) == (2, ())
        assert [(m.action, m.alerts[0].reason) for m in messages] == [(Action.RESOLVE, "closed by tocsin doctor")] * 2
        assert messages[1].dedup_key == "gone"
        assert episode is not None
        assert episode.resolved_at is not None
        assert store.load().groups.get(GroupKey("pagerduty", "*"), page(view())).episodes == ()

    def test_a_live_alert_of_the_conversation_stays_open(self, store: SqlStore, path: str) -> None:
        """The end of the other one is told with the next message."""
        live, gone = view("live"), view("gone", service="shop")
        key = GroupKey("email", "*")
        store.commit(Commit(NOON, {live.identity: FIRING}, (live, gone), {key: page(live, gone)}))
        close_orphans(path, CHANNELS)
        episodes = store.load().groups[key].episodes

        assert {e.text.dedup_key: e.open for e in episodes} == {"live": True, "gone": False}
        assert not any(m.action is Action.RESOLVE for m in sent(store, "email"))

    def test_nothing_is_closed_under_an_evaluator(self, store: SqlStore, path: str) -> None:
        """It would know better, and write over it."""
        stuck(store, "email")
        with closing(SqlLease(path)) as lease:
            lease.acquire("a:1", timedelta(minutes=1))
            with pytest.raises(MisuseError, match="a:1 leads"):
                close_orphans(path, CHANNELS)

        assert sent(store, "email") == []


class TestState:
    """A state that is only read."""

    def test_reading_changes_nothing(self, store: SqlStore, path: str) -> None:
        """Neither the file nor who leads."""
        stuck(store, "email")
        store.close()
        before = Path(path).read_bytes()
        with closing(SqlLease(path)) as lease:
            free = read_state(path).leader
            lease.acquire("a:1", timedelta(minutes=1))
            assert (free, read_state(path).leader) == ("", "a:1")
            lease.release("a:1")
        Path(path).write_bytes(before)
        files = sorted(Path(path).parent.iterdir())
        read_state(path)

        assert Path(path).read_bytes() == before
        assert sorted(Path(path).parent.iterdir()) == files

    def test_a_process_that_was_killed(self, path: str) -> None:
        """What it committed and never moved into the file is read, too."""
        script = "from tests.alerts import *; from tocsin.adapters.store import *; import os, sys\n"
        script += "SqlStore(sys.argv[1]).commit(Commit(NOON, outbox=(message('email'),))); os._exit(9)"
        subprocess.run([sys.executable, "-c", script, path], check=False, timeout=60)

        assert Path(f"{path}-wal").exists()
        assert [letter.channel for letter in read_state(path).pending] == ["email"]

    def test_there_is_no_state(self, path: str) -> None:
        """None is made; nobody could tell."""
        code, output = asked("--state", path)

        assert (code, "unknown: state: there is no state store" in output) == (2, True)
        assert not Path(path).exists()

    def test_a_schema_of_another_release(self, store: SqlStore, path: str) -> None:
        """It says which one, and who reads it."""
        with store._writing() as connection:
            connection.exec_driver_sql("INSERT INTO schema_migrations VALUES (9999, 'later', 0)")

        with pytest.raises(UnavailableError, match="the state has schema 9999") as caught:
            read_state(path)
        assert caught.value.hint == "run the release that wrote it"

    def test_another_database(self, path: str) -> None:
        """It is said to be none of ours, and left as it is."""
        Path(path).write_bytes(b"")

        with pytest.raises(UnavailableError, match="none of Tocsin"):
            read_state(path)

    def test_all_that_is_wrong_with_it(self, store: SqlStore, path: str, tmp_path: Path) -> None:
        """Each with its part and a remedy, in the text and as JSON; a secret is named, never shown."""
        rules = tmp_path / "rules"
        rules.mkdir()
        (rules / "platform.yaml").write_text(DEFINITIONS)
        now = datetime.now(UTC)
        stuck(store, "email", "pager")
        store.commit(Commit(now, outbox=(message("pager"), message("email"))))
        (parcel,) = store.lease("email", now, now + seconds(30))
        store.settle(parcel, Delivery(Outcome.REJECTED, "550 no such user"), now, None)
        with closing(SqlSilences(path)) as silences:
            silences.put((silence(60, comment=" "),), now)
        code, output = asked(str(rules), "--state", path, environ={"DOCTOR_TEST_KEY": ""} | {"HOME": "/"})
        _, shown = asked(str(rules), "--state", path, "--format", "json")
        parts = [(each["weight"], each["part"]) for each in json.loads(shown)["symptoms"]]

        assert code == 1
        for words in (
            "email has an open page since 2026-11-23 12:00 UTC without a live alert",
            "email gave up 1 message",
            "550 no such user; 1 went to no other channel",
            "1 message for pager, which the definitions do not have",
            "1 open page on pager, which the definitions do not have",
            "does not say why",
            "lasts 60 days",
            "no evaluator leads",
        ):
            assert words in output
        assert parts.count(("wrong", "pages")) == 3
        assert KEY["DOCTOR_TEST_KEY"] not in output + shown


class TestJudgements:
    """What is wrong, and what is worth a word only."""

    def test_a_missing_secret_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """By channel, setting and place; with it all is healthy."""
        monkeypatch.delenv("DOCTOR_TEST_KEY", raising=False)
        (tmp_path / "platform.yaml").write_text(DEFINITIONS)
        code, output = asked(str(tmp_path), environ={"HOME": "/"})
        fine, _ = asked(str(tmp_path))

        assert (code, fine) == (1, 0)
        words = "secrets: channel pagerduty: integration_key: the environment variable DOCTOR_TEST_KEY is not set"
        assert words in output

    def test_silences(self) -> None:
        """Long ones and those without a reason are wrong, the end that is near is noted, what is over is nothing."""
        now = NOON + timedelta(days=1)

        assert [s.weight for s in of_silences([silence(31)], now)] == ["wrong"]
        assert [s.weight for s in of_silences([silence(5, comment="")], now)] == ["wrong"]
        assert [s.weight for s in of_silences([silence(2)], now)] == ["note"]
        assert list(of_silences([silence(5), silence(1)], now)) == []

    def test_what_was_given_up_long_ago_is_noted(self) -> None:
        """It cannot be mended any more; of each channel one line."""
        letters = [Letter("slack", "k", "fire", "dead", ("A",), NOON, NOON, 1, "HTTP 404") for _ in range(3)]
        fresh, old = (list(of_letters(letters, NOON + timedelta(days=days))) for days in (6, 8))

        assert [(s.weight, "3 messages" in s.what) for s in (*fresh, *old)] == [("wrong", True), ("note", True)]

    @pytest.mark.parametrize(
        ("sent", "delivered", "lost"),
        [(0, 0, False), (0, None, True), (13, None, False), (7, 0, False), (14, -1, True)],
    )
    def test_canaries(self, sent: int, delivered: int | None, lost: bool) -> None:
        """Two that did not arrive are wrong, and a first one that is two hours late; in days after noon."""
        now = NOON + timedelta(days=13, hours=1) if sent == 13 else NOON + timedelta(days=14)
        asks = notifications(replace(channel("email"), canary=Duration.of(days=7)))
        at = None if delivered is None else NOON + timedelta(days=delivered)
        known = {"email": Canary("email", NOON + timedelta(days=sent), at)}

        assert bool(list(of_canaries(known, asks, now))) is lost
        assert list(of_canaries({}, asks, now)) == []

    def test_what_is_not_ready_has_a_remedy(self) -> None:
        """Who follows says who leads, and that is fine."""
        checks = {n: Check(ok=False, reason="x") for n in ("tick", "store", "source", "delivery")}
        checks["lease"] = Check(ok=True, reason="b leads")
        found = list(of_readiness(Ready(ready=False, checks=checks)))

        assert [s.weight for s in found] == ["wrong"] * 4 + ["note"]
        assert all(s.remedy for s in found[:4])

    def test_what_metrics_say(self) -> None:
        """A reload that failed, a breaker that is open, a message that waits for long; not the heartbeat."""
        metrics = {
            ("tocsin_config_last_reload_successful", ""): 0.0,
            ("tocsin_delivery_breaker_state", "slack"): 2.0,
            ("tocsin_delivery_breaker_state", "email"): 0.0,
            ("tocsin_outbox_oldest_seconds", "slack"): 301.0,
            ("tocsin_outbox_oldest_seconds", "(heartbeat)"): 999.0,
            ("tocsin_outbox_depth", "slack"): 2.0,
        }

        found = list(of_metrics(metrics, {"slack": "HTTP 500"}))
        assert [s.part for s in found] == ["definitions", "delivery", "delivery"]
        assert [s.what.endswith(": HTTP 500") for s in found] == [False, True, True]

    def test_a_heartbeat_that_does_not_arrive(self) -> None:
        """Its watcher takes the evaluator for dead; one that was lost is no matter."""
        for name in ("tocsin_delivery_failures_in_a_row", "tocsin_delivery_breaker_state"):
            assert list(of_metrics({(name, "(heartbeat)"): 1.0}, {})) == []
        (found,) = of_metrics({("tocsin_delivery_failures_in_a_row", "(heartbeat)"): 2.0}, {})
        assert (found.part, found.weight) == ("heartbeat", "wrong")

    def test_nothing_to_look_at(self) -> None:
        """Misuse, as is closing without definitions, and an address that is none."""
        for arguments in ([], ["--close", "--state", "x"], ["--url", "localhost"]):
            with pytest.raises(MisuseError):
                asked(*arguments)

    def test_nobody_answers(self) -> None:
        """Nobody could tell."""
        code, output = asked("--url", "http://127.0.0.1:9")

        assert (code, "unknown: service: http://127.0.0.1:9 does not answer" in output) == (2, True)
        assert Running("http://me:pw@127.0.0.1:9/").where == "http://127.0.0.1:9"


def silence(days: int, comment: str = "known") -> Silence:
    """One that began at noon."""
    matchers = (LabelMatcher("alertname", "TooHot"),)
    return Silence(f"s{days}", matchers, NOON, NOON + timedelta(days=days), "ana", comment, NOON)

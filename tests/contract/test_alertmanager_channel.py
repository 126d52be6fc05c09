"""An Alertmanager cluster as a channel: what goes there, to whom, and how often; once against a real one."""

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from tests.alerts import NOON, channel, message, notifications, route, seconds, text, view
from tests.couriers import TestClock

from tocsin.demo.receivers import HttpReceiver, Reply
from tocsin.errors import MisuseError, UnavailableError
from tocsin.evaluate.memory import GroupEpisode, GroupKey, GroupState
from tocsin.ports import Action, Delivery, Outcome
from tocsin.service.renewal import RESOLVED_FOR, Renewal, Renewing, lasting, standing, teller
from tocsin_notifiers import build

SERVER = shutil.which("alertmanager") or shutil.which("prometheus-alertmanager")
OVER = text(resolved=NOON + seconds(600))


def make(*urls: str) -> Any:
    """Build a channel to a cluster."""
    return build("am", "alertmanager", {"urls": urls})


# --- what goes there ---------------------------------------------------------------------------------------


@pytest.mark.real
def test_every_member_of_a_cluster_gets_an_alert() -> None:
    """With its labels, its words, when it began, and how long it lasts without news."""
    with HttpReceiver() as one, HttpReceiver() as two:
        alert = text(runbook="https://runbooks.example", labels=(("alertname", "ErrorBudgetBurn"), ("empty", "")))
        delivery = make(one.url, two.url).send(message("am", Action.FIRE, alert), NOON)
        (first,), (second,) = one.requests, two.requests

    assert (delivery.outcome, delivery.detail) == (Outcome.SENT, "")
    assert (first.path, first.json) == ("/api/v2/alerts", second.json)
    (sent,) = first.json
    assert sent["labels"] == {"alertname": "ErrorBudgetBurn"}
    assert sent["annotations"]["summary"] == "7.2% of requests fail"
    assert sent["annotations"]["runbook_url"] == "https://runbooks.example"
    assert sent["annotations"]["fact_burn_rate_over_1h"] == "43.2x"
    assert (sent["startsAt"], sent["endsAt"]) == ("2026-11-23T11:56:40+00:00", "2026-11-23T12:04:00+00:00")


@pytest.mark.real
def test_an_end_is_an_end() -> None:
    """Alertmanager takes an alert for over from `endsAt` on."""
    with HttpReceiver() as web:
        make(web.url).send(message("am", Action.RESOLVE, OVER), NOON)

        assert web.requests[0].json[0]["endsAt"] == "2026-11-23T12:10:00+00:00"


@pytest.mark.real
def test_one_member_is_enough() -> None:
    """The detail says which one is missing; what it missed comes with the next minute."""
    with HttpReceiver(503) as away, HttpReceiver() as there:
        delivery = make(away.url, there.url).send(message("am"), NOON)

        assert delivery.outcome is Outcome.SENT
        assert delivery.detail.startswith(f"not by every member: 127.0.0.1:{away.port}: HTTP 503")


@pytest.mark.real
@pytest.mark.parametrize(
    ("answers", "outcome"),
    [((503, 503), Outcome.RETRY), ((400, 503), Outcome.RETRY), ((400, 400), Outcome.REJECTED)],
)
def test_no_member_is_too_few(answers: tuple[int, int], outcome: Outcome) -> None:
    """Tried again unless all refuse; a password in an address is not told."""
    with HttpReceiver(answers[0]) as one, HttpReceiver(Reply(answers[1], body=b"no, s3cr3t")) as two:
        channel = make(f"http://u:s3cr3t@127.0.0.1:{one.port}", f"http://u:s3cr3t@127.0.0.1:{two.port}")
        delivery = channel.send(message("am"), NOON)

    assert delivery.outcome is outcome
    assert "s3cr3t" not in f"{delivery} {channel!r}"


@pytest.mark.parametrize("url", ["", "alertmanager:9093", "ftp://x", "http://x?q=1"])
def test_what_is_no_address_is_refused(url: str) -> None:
    """At the start."""
    with pytest.raises(MisuseError, match="urls"):
        make(url)


@pytest.mark.real
def test_an_alert_is_the_same_one_whenever_it_is_sent() -> None:
    """Its labels say which it is: one that was cut or tidied once would end there, and be another one."""
    odd = (("alertname", "DiskFull"), ("mountpoint", "/mnt/My  Disk"), ("note", "a\nb"), ("dump", "x" * 900))
    alerts = [text(f"k{n}", labels=(*odd, ("end", "y" * 600 + str(n)), ("pod.name", "a"))) for n in range(2)]
    with HttpReceiver() as web:
        channel = make(web.url)
        channel.send(message("am", Action.FIRE, *alerts), NOON)
        channel.renew(tuple(alerts), NOON)
        told, again = ([each["labels"] for each in request.json] for request in web.requests)

    known = [dict(alert.labels[:-1]) | {"pod_name": "a"} for alert in alerts]
    assert told == again == known  # names with dots as those before 0.27 take them


@pytest.mark.real
def test_an_end_ends_no_later_episode() -> None:
    """Alertmanager takes the last word on a label set, whichever episode it is about."""
    before = text("k1", resolved=NOON)
    fires = text("k2", started_at=NOON + seconds(60))
    with HttpReceiver() as web:
        channel = make(web.url)
        channel.send(message("am", Action.FIRE, fires, before), NOON + seconds(60))
        channel.renew((before, fires), NOON + seconds(60))
        said = [[(each["startsAt"], each["endsAt"]) for each in request.json] for request in web.requests]

    assert said == [[("2026-11-23T12:01:00+00:00", "2026-11-23T12:05:00+00:00")]] * 2


# --- again and again ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("interval", "minutes"), [(15, 4), (60, 4), (300, 20)])
def test_an_alert_outlives_four_evaluations(interval: int, minutes: int) -> None:
    """And four of the minutes in which it is said again."""
    assert lasting(seconds(interval)) == timedelta(minutes=minutes)


def test_what_was_told_and_fires_is_said_again_in_the_words_of_the_moment() -> None:
    """Not what nobody was told (silenced, perhaps), nor what others were told; ends for a quarter of an hour."""
    told = [
        GroupEpisode(text("told"), NOON, announced=True),
        GroupEpisode(text("silenced"), NOON),
        GroupEpisode(text("blind"), NOON, announced=True),
    ]
    groups = {
        GroupKey("am", "*"): GroupState(NOON, tuple(told)),
        GroupKey("email", "*"): GroupState(NOON, (GroupEpisode(text("else"), NOON, announced=True),)),
    }
    live = {"told": view("told", summary="now 9%")}
    ended = [view("new", resolved=NOON), view("old", resolved=NOON - RESOLVED_FOR)]
    said = {each.dedup_key: each for each in standing("am", groups, live, ended, NOON + seconds(1))}

    assert set(said) == {"told", "blind", "new"}
    assert said["told"].summary == "now 9%"
    assert said["new"].resolved_at == NOON


def test_what_fires_is_said_again_while_the_store_is_away() -> None:
    """Alertmanager would take it for over; what had ended before is said again as long as ever."""
    groups = {GroupKey("am", "*"): GroupState(NOON, (GroupEpisode(text("told"), NOON, announced=True),))}
    store, over = Mock(), view("over", resolved=NOON)
    store.history.return_value = [over]
    evaluator = Mock(notifications=notifications(channel("am", "alertmanager"), route("am")))
    evaluator.memory.groups = groups
    tell = teller(Mock(read=lambda: Mock(alerts=[view("told")])), store, evaluator)
    before = tell("am", NOON + seconds(60))
    store.history.side_effect = UnavailableError("the database does not work")
    meanwhile, later = (tell("am", NOON + after) for after in (seconds(120), RESOLVED_FOR))

    assert [{each.dedup_key for each in said} for said in (before, meanwhile)] == [{"told", "over"}] * 2
    assert [each.dedup_key for each in later] == ["told"]


def test_a_renewal_that_fails_takes_no_other_with_it(caplog: pytest.LogCaptureFixture) -> None:
    """And tells no secret of the error."""

    class Broken:
        name, lasting = "broken", timedelta(minutes=4)

        def renew(self, texts: Any, now: datetime) -> Delivery:
            raise ValueError("s3cr3t")

    class Kept:
        name, lasting = "kept", timedelta(minutes=4)
        said: Any = ()

        def renew(self, texts: Any, now: datetime) -> Delivery:
            self.said = texts
            return Delivery(Outcome.SENT)

    kept = Kept()
    Renewal(TestClock(), lambda name, now: (text(),), lambda: True, (Broken(), kept)).renew()

    assert isinstance(make("http://127.0.0.1:9"), Renewing)
    assert len(kept.said) == 1
    assert "ValueError" in caplog.text
    assert "s3cr3t" not in caplog.text


# --- a real one --------------------------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A real Alertmanager."""
    if SERVER is None:
        pytest.skip("there is no alertmanager here; `ci/setup alertmanager` fetches one")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    config = tmp_path / "alertmanager.yml"
    config.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    command = [SERVER, f"--config.file={config}", f"--storage.path={tmp_path}/data", "--cluster.listen-address="]
    with subprocess.Popen(
        [*command, f"--web.listen-address=127.0.0.1:{port}"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    ) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            until(lambda: urllib.request.urlopen(f"{url}/-/ready", timeout=2).status == 200)
            yield url
        finally:
            process.kill()


def until(holds: Any, patience: float = 20.0) -> None:
    """Wait until it holds."""
    end = time.monotonic() + patience
    while True:
        try:
            if holds():
                return
        except OSError:
            pass
        assert time.monotonic() < end
        time.sleep(0.05)


def active(url: str) -> list[dict[str, Any]]:
    """The alerts that fire there."""
    with urllib.request.urlopen(f"{url}/api/v2/alerts?active=true", timeout=5) as answer:
        found: list[dict[str, Any]] = json.load(answer)
    return found


@pytest.mark.real
def test_a_real_alertmanager_opens_keeps_and_closes(server: str) -> None:
    """One alert, however often it is said; without news it would last for `lasting`; its end closes it."""
    now = datetime.now(UTC)
    channel = make(server)
    fires = text(started_at=now - seconds(60), labels=(("alertname", "ErrorBudgetBurn"), ("service", "be-camera")))
    opened = channel.send(message("am", Action.FIRE, fires), now)
    again = channel.renew((fires,), now + seconds(60))
    (alert,) = active(server)
    ends = datetime.fromisoformat(alert["endsAt"])

    assert (opened.outcome, again.outcome) == (Outcome.SENT, Outcome.SENT)
    assert alert["labels"] == {"alertname": "ErrorBudgetBurn", "service": "be-camera"}
    assert abs(ends - (now + timedelta(minutes=5))) < seconds(1)
    channel.send(message("am", Action.RESOLVE, replace(fires, resolved_at=now)), now)
    until(lambda: active(server) == [])

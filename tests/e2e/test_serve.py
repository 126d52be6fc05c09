"""`tocsin serve` as a process between a real Prometheus and real receivers: crashes, blindness, reload, stop."""

import json
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from urllib.parse import parse_qs

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from tests.e2e.conftest import DEFINITIONS, NOTIFICATIONS, PATIENCE, Evaluator, Lab, until

from tocsin.adapters.children import free_port
from tocsin.adapters.store import SqlStore
from tocsin.demo.loopback import LoopbackServer, QuietHandler
from tocsin.demo.receivers import Reply

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]


def everybody_knows(lab: Lab) -> bool:
    """Whether the page has reached every channel."""
    return bool(lab.subjects("FIRING") and lab.slack() and lab.pages("trigger"))


def everybody_relieved(lab: Lab) -> bool:
    """Whether the resolve has reached every channel."""
    return bool(lab.subjects("RESOLVED") and len(lab.slack()) > 1 and lab.pages("resolve"))


def slow(asked: list[str]) -> type[QuietHandler]:
    """A metric source that lives, and answers no other question; what it is *asked* stands there."""

    class Handler(QuietHandler):
        def do_POST(self) -> None:  # noqa: N802
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            asked.append(form["query"][0])
            if form["query"] == ["vector(1)"]:
                body = b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}]}}'
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            else:
                self.rfile.read(1)

    return Handler


def test_a_crash_between_page_and_resolve_loses_and_repeats_nothing(lab: Lab) -> None:
    """Kill -9 while the alert fires: after a restart the resolve arrives on each channel, and no second page."""
    evaluator = lab.serve()
    lab.exporter.level = 10
    until(lambda: everybody_knows(lab), "the page on every channel")
    until(lambda: evaluator.metric('tocsin_outbox_depth{channel="pagerduty"}') == 0, "the deliveries are settled")
    evaluator.kill()
    lab.exporter.level = 0
    again = lab.serve()
    until(lambda: everybody_relieved(lab), "the resolve on every channel")
    again.ticks(3)

    assert (len(lab.subjects("FIRING")), len(lab.subjects("RESOLVED"))) == (1, 1)
    assert len(lab.slack()) == 2
    assert (len(lab.pages("trigger")), len(lab.pages("resolve"))) == (1, 1)
    assert lab.pages("trigger")[0].json["dedup_key"] == lab.pages("resolve")[0].json["dedup_key"]
    assert again.stop() == 0


def test_a_crash_between_decision_and_message_sends_it_after_the_restart(lab: Lab) -> None:
    """Kill -9 while nobody can be reached: the page stands in the outbox, and goes out once, by the same key."""
    reachable, closed = lab.environ, str(free_port())
    lab.environ = reachable | {"INBOX_PORT": closed, "RECEIVER_URL": f"http://127.0.0.1:{closed}"}
    evaluator = lab.serve()
    lab.exporter.level = 10
    depths = [f'tocsin_outbox_depth{{channel="{name}"}}' for name in ("email", "slack", "pagerduty")]
    until(lambda: all(evaluator.metric(depth) > 0 for depth in depths), "the page is decided for every channel")
    [decided] = [alert for alert in evaluator.alerts(status="active") if "FaultLevel" in alert["title"]]
    evaluator.kill()
    lab.environ = reachable
    again = lab.serve()
    until(lambda: everybody_knows(lab), "the page on every channel")
    again.ticks(3)

    assert (len(lab.subjects("FIRING")), len(lab.slack())) == (1, 1)
    assert [page.json["dedup_key"] for page in lab.pages("trigger")] == [decided["id"]]


def test_a_crash_in_the_middle_of_an_evaluation_leaves_nothing_of_it(lab: Lab) -> None:
    """Kill -9 while questions wait for their answers: the next start begins where this one had begun."""
    asked: list[str] = []
    with closing(LoopbackServer(slow(asked))) as source:
        evaluator = lab.serve("--prometheus", source.url)
        until(lambda: len(asked) > 1, "a question that gets no answer")
        evaluator.kill()
    with closing(SqlStore(str(lab.folder / "state.db"))) as store:
        left = store.load()
    lab.exporter.level = 10
    again = lab.serve()
    until(lambda: everybody_knows(lab), "the page on every channel")
    again.ticks(2)

    assert (left.committed_at, left.alerts, left.groups) == (None, {}, {})
    assert (len(lab.subjects("FIRING")), len(lab.slack()), len(lab.pages("trigger"))) == (1, 1, 1)


def test_a_dead_source_resolves_nothing(lab: Lab) -> None:
    """Prometheus killed while an alert fires: no RESOLVED until it is back and sees the service healthy, then one."""
    evaluator = lab.serve()
    lab.exporter.level = 10
    until(lambda: everybody_knows(lab), "the page on every channel")
    until(lambda: evaluator.get("/readyz").status_code == 200, "ready")
    lab.exporter.level = 0
    lab.prometheus.kill()
    until(lambda: evaluator.metric("tocsin_source_up") == 0, "blind")
    evaluator.ticks(5)
    ready = evaluator.get("/readyz")
    ours = [alert for alert in evaluator.alerts(status="active") if "FaultLevel" in alert["title"]]

    assert ready.status_code == 503
    assert not ready.json()["checks"]["source"]["ok"]
    assert [alert["status"] for alert in ours] == ["active"]
    assert "blind since" in ours[0]["description"]
    assert "Blind" in evaluator.get("/").text
    assert lab.subjects("RESOLVED") == []
    assert lab.pages("resolve") == []

    lab.prometheus.start()
    until(lambda: everybody_relieved(lab), "the resolve on every channel")
    evaluator.ticks(3)

    assert (len(lab.subjects("FIRING")), len(lab.subjects("RESOLVED"))) == (1, 1)
    assert (len(lab.pages("trigger")), len(lab.pages("resolve"))) == (1, 1)
    assert len([alert for alert in evaluator.alerts(status="resolved") if "FaultLevel" in alert["title"]]) == 1
    assert evaluator.stop() == 0


def test_a_broken_reload_keeps_the_old_set_and_a_good_one_replaces_it(lab: Lab) -> None:
    """SIGHUP with a mistake changes nothing and is told everywhere; with the mistake mended it takes effect."""
    evaluator = lab.serve()
    until(lambda: evaluator.get("/readyz").status_code == 200, "ready")
    successful = "tocsin_config_last_reload_successful"

    assert evaluator.metric(successful) == 1

    lab.write("shop.yaml", DEFINITIONS.replace("above: 5", "above: [5").replace("target: 99.9%", "target: 120%"))
    lab.write("more.yaml", "apiVersion: tocsin/v1\nkind: Servce\nname: more\n")
    evaluator.process.send_signal(signal.SIGHUP)
    until(lambda: evaluator.metric(successful) == 0, "the reload is refused")
    page = evaluator.get("/").text
    refused = [event for event in evaluator.events() if "the old set stays in use" in event["event"]]
    errors = [found for found in found_by(evaluator) if found[0] == "error"]

    assert "The definitions on disk are not in use" in page
    assert "shop.yaml:" in page
    assert [event["why"] for event in refused] == [f"errors: {len(errors)}"]
    assert {"more.yaml", "shop.yaml"} == {found[1] for found in errors}

    lab.exporter.level = 10
    until(lambda: everybody_knows(lab), "the old set is still at work")
    (lab.rules / "more.yaml").unlink()
    lab.write("shop.yaml", DEFINITIONS.replace("above: 5", "above: 50"))
    lab.write("notifications.yaml", NOTIFICATIONS.replace("to: [oncall@", "to: [managers@"))
    evaluator.process.send_signal(signal.SIGHUP)
    until(lambda: evaluator.metric(successful) == 1, "the reload is accepted")
    until(lambda: everybody_relieved(lab), "10 is below the new threshold")

    assert "not in use" not in evaluator.get("/").text
    assert lab.inbox.mails[0].recipients == ("oncall@example.org",)
    assert lab.inbox.mails[-1].recipients == ("managers@example.org",)


def test_a_channel_that_is_removed_while_an_incident_is_open_there_is_told_its_end(lab: Lab) -> None:
    """The reload takes it out of the definitions; its incident is closed all the same, and nothing new goes there."""
    evaluator = lab.serve()
    lab.exporter.level = 10
    until(lambda: everybody_knows(lab), "the page on every channel")
    kept = [line for line in NOTIFICATIONS.splitlines() if "pagerduty" not in line]
    lab.write("notifications.yaml", "\n".join(kept) + "\n")
    lab.write("shop.yaml", DEFINITIONS.replace("slack, pagerduty]", "slack]"))
    evaluator.process.send_signal(signal.SIGHUP)
    until(lambda: len([e for e in evaluator.events() if "on disk are in use" in e["event"]]) == 1, "the reload")
    lab.exporter.level = 0
    until(lambda: everybody_relieved(lab), "the resolve on every channel")
    evaluator.ticks(3)

    assert (len(lab.pages("trigger")), len(lab.pages("resolve"))) == (1, 1)
    assert evaluator.stop() == 0


def test_findings_at_start_and_reload_are_lines_of_the_log(lab: Lab) -> None:
    """All of standard error is JSON: file, line, column, code and message of notes, and of an error that ends it."""
    text = DEFINITIONS.replace("target: 99.9%", "targett: 99.9%")
    evaluator = lab.serve()
    evaluator.process.send_signal(signal.SIGHUP)
    until(lambda: len(found_by(evaluator)) == 2 * len(set(found_by(evaluator))) > 0, "the same findings again")
    evaluator.stop()
    lab.write("shop.yaml", text)
    broken = lab.launch()

    assert {(found[0], found[-2]) for found in found_by(evaluator)} == {("info", "sli/unused"), ("info", "alert/for")}
    assert broken.process.wait(PATIENCE) == 1
    line = text[: text.index("targett")].count("\n") + 1
    [unknown] = [found for found in found_by(broken) if "targett" in found[-1]]
    assert unknown[:4] == ("error", "shop.yaml", line, text.splitlines()[line - 1].index("targett") + 1)
    assert all(json.loads(one) for one in broken.log.read_text().splitlines())


def found_by(evaluator: Evaluator) -> list[tuple[str, str, int, int, str, str]]:
    """Level, file, line, column, code and message of each finding in the log."""
    return [
        (e["level"], e["file"].rpartition("/")[2], e["line"], e["column"], e["code"], e["message"])
        for e in evaluator.events()
        if e["logger"] == "tocsin.service.findings"
    ]


def test_a_reload_without_its_secret_keeps_the_old_channels(lab: Lab) -> None:
    """The variable is named, and what other settings hold is not told."""
    evaluator = lab.serve()
    lab.write("notifications.yaml", NOTIFICATIONS.replace("env: SLACK_WEBHOOK", "env: SLACK_WEBHOOK_2"))
    evaluator.process.send_signal(signal.SIGHUP)
    until(lambda: evaluator.metric("tocsin_config_last_reload_successful") == 0, "the reload is refused")

    assert "channel slack: webhook: the environment variable SLACK_WEBHOOK_2 is not set" in evaluator.get("/").text

    lab.exporter.level = 10
    until(lambda: everybody_knows(lab), "the old channels still work")

    assert lab.environ["PAGERDUTY_KEY"] not in evaluator.log.read_text()


def test_sigterm_finishes_what_is_being_delivered(lab: Lab) -> None:
    """A message that is under way is settled before the end, so the next start does not send it again."""
    lab.receiver.answer(Reply(delay=1.5), path="/services/")
    evaluator = lab.serve()
    lab.exporter.level = 10
    until(lambda: everybody_knows(lab), "all receivers have it, Slack has not answered yet")

    assert evaluator.stop() == 0
    assert evaluator.events()[-1]["event"] == "stopped"
    assert evaluator.events()[-1]["left_in_outbox"] == 0

    again = lab.serve()
    again.ticks(3)

    assert (len(lab.subjects("FIRING")), len(lab.slack()), len(lab.pages("trigger"))) == (1, 1, 1)


def test_sigterm_does_not_wait_for_ever(lab: Lab) -> None:
    """A receiver that hangs costs at most the drain of 10 s; its message stays in the outbox."""
    lab.receiver.answer(Reply(hang=True), path="/services/")
    evaluator = lab.serve()
    lab.exporter.level = 10
    until(lambda: everybody_knows(lab), "all receivers have it, Slack will never answer")
    begun = time.monotonic()

    assert evaluator.stop() == 0
    assert time.monotonic() - begun < 15
    assert evaluator.events()[-1]["left_in_outbox"] == 1


def test_a_stop_gives_up_an_evaluation_that_waits_for_a_slow_source(lab: Lab) -> None:
    """No question is waited for, and what was not seen is not stored as blind."""
    asked: list[str] = []
    with closing(LoopbackServer(slow(asked))) as source:
        evaluator = lab.serve("--prometheus", source.url)
        until(lambda: len(asked) > 1, "a question that gets no answer")
        begun = time.monotonic()
        code = evaluator.stop()
        seconds = time.monotonic() - begun
    said = [event["event"] for event in evaluator.events()]

    assert code == 0
    assert seconds < 15
    assert said[-2:] == ["an evaluation was given up", "stopped"]
    assert "a tick failed" not in said
    with closing(SqlStore(str(lab.folder / "state.db"))) as store:
        assert store.load().committed_at is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_is_quick_when_nothing_is_due(lab: Lab, number: signal.Signals) -> None:
    """Also for Ctrl-C, also in the middle of an interval, and the port is free again."""
    evaluator = lab.serve("--interval", "1m")
    port = int(evaluator.url.rpartition(":")[2])
    until(lambda: evaluator.get("/api/v1/status").json()["at"], "the first evaluation")

    assert evaluator.stop(number) == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 2).close()


def test_the_api_answers_in_exact_shapes(lab: Lab) -> None:
    """Key for key, with real numbers from Prometheus."""
    lab.exporter.level, lab.exporter.bad = 10, 0.02
    evaluator = lab.serve()
    until(lambda: everybody_knows(lab), "the page")

    def measured() -> dict[str, object] | None:
        health: dict[str, object] = evaluator.get("/api/v1/sla/status", service="shop", timeRange="1m").json()
        return health if health["uptime"] is not None and health["responseTime"] is not None else None

    health = until(measured, "two scrapes")
    metrics = evaluator.get("/api/v1/metrics", metric="fault_level", timeRange="1m", aggregation="max").json()
    alerts = evaluator.get("/api/v1/alerts", severity="critical", status="active").json()

    for metric in ("fault_level", "requests_total", "request_seconds"):
        for aggregation in ("avg", "sum", "min", "max", "count"):
            answer = evaluator.get("/api/v1/metrics", metric=metric, aggregation=aggregation, timeRange="1m")

            assert answer.status_code == 200, answer.text
            assert answer.json()["summary"]["max"] is not None, (metric, aggregation)

    assert {"service", "uptime", "responseTime", "errorRate", "status"} == health.keys()
    assert (health["service"], health["responseTime"], health["status"]) == ("shop", 250.0, "critical")
    assert {"metric", "data", "summary"} == metrics.keys()
    assert {"timestamp", "value"} == metrics["data"][0].keys()
    assert {"min", "max", "avg"} == metrics["summary"].keys()
    assert metrics["summary"]["max"] == 10
    assert {"alerts"} == alerts.keys()
    assert {"id", "title", "description", "severity", "status", "createdAt"} == alerts["alerts"][0].keys()
    assert lab.pages("trigger")[0].json["dedup_key"] == alerts["alerts"][0]["id"]


def test_metrics_can_be_scraped(lab: Lab) -> None:
    """Every line parses, and deliveries are counted by channel and outcome."""
    lab.exporter.level = 10
    evaluator = lab.serve()
    until(lambda: evaluator.metric('tocsin_deliveries_total{channel="email",outcome="sent"}') == 1, "one mail")
    names = {family.name for family in text_string_to_metric_families(evaluator.get("/metrics").text)}

    assert {
        "tocsin_tick_duration_seconds",
        "tocsin_missed_ticks",
        "tocsin_source_failures",
        "tocsin_questions",
        "tocsin_last_delivery_success_timestamp_seconds",
        "tocsin_blind_alerts",
        "tocsin_outbox_depth",
        "tocsin_outbox_oldest_seconds",
        "tocsin_outbox_dead",
        "tocsin_deliveries",
        "tocsin_config_last_reload_successful",
        "tocsin_last_tick_success_timestamp_seconds",
        "tocsin_build_info",
    } <= names


def test_a_broken_workspace_is_refused_at_start(lab: Lab) -> None:
    """All findings with their places, exit code 1, nothing on stdout."""
    lab.write("shop.yaml", DEFINITIONS.replace("severity: critical", "severity: loud"))
    evaluator = lab.launch()

    assert evaluator.process.wait(30) == 1
    assert [found[1] for found in found_by(evaluator) if found[0] == "error"] == ["shop.yaml"]


def test_a_missing_secret_is_refused_at_start(lab: Lab) -> None:
    """Exit code 2, with the channel and the variable, without any value."""
    del lab.environ["PAGERDUTY_KEY"]
    evaluator = lab.launch()
    code, said = evaluator.process.wait(30), evaluator.log.read_text()

    assert code == 2
    assert "channel pagerduty: integration_key: the environment variable PAGERDUTY_KEY is not set" in said
    assert lab.environ["SLACK_WEBHOOK"] not in said


def test_a_taken_port_is_refused_at_start(lab: Lab) -> None:
    """Exit code 2, before anything is evaluated."""
    evaluator = lab.launch("--listen", f"127.0.0.1:{lab.exporter.port}")

    assert evaluator.process.wait(30) == 2
    assert "cannot listen on" in evaluator.log.read_text()


def test_flags_may_stand_in_the_environment(lab: Lab) -> None:
    """For containers: only the paths are arguments."""
    from tests.e2e.conftest import Evaluator

    environ = lab.environ | {
        "TOCSIN_PROMETHEUS": lab.prometheus.url,
        "TOCSIN_STATE": f"sqlite:///{lab.folder / 'state.db'}",
        "TOCSIN_LISTEN": "127.0.0.1:0",
        "TOCSIN_INTERVAL": "1s",
    }
    evaluator = Evaluator([str(lab.rules)], environ, lab.folder / "serve.log")
    lab.stack.callback(evaluator.close)

    assert evaluator.ready().get("/healthz").json() == {"status": "ok"}


def status(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `tocsin status`."""
    command = [sys.executable, "-m", "tocsin.cli.main", "status", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_status_tells_by_table_and_by_exit_code(lab: Lab) -> None:
    """Of a running service, and by one look without any; 1 means critical, 2 that nobody could tell."""
    evaluator = lab.serve()
    until(lambda: evaluator.get("/api/v1/status").json()["at"], "the first evaluation")
    fine = status(str(lab.rules), "--prometheus", lab.prometheus.url)
    lab.exporter.level = 10
    until(lambda: everybody_knows(lab), "the page")
    running = status("--url", evaluator.url)
    looked = status(str(lab.rules), "--prometheus", lab.prometheus.url, "--format", "json")
    evaluator.stop()
    gone = status("--url", evaluator.url)

    assert (running.returncode, looked.returncode, gone.returncode) == (1, 1, 2), fine.stderr + looked.stderr
    assert "FaultLevel on shop" in running.stdout
    assert "shop/uptime" in fine.stdout
    assert json.loads(looked.stdout)["overall"] == "critical"
    assert "does not answer" in gone.stderr


def test_an_alert_is_explained_from_query_to_receiver(lab: Lab) -> None:
    """While it fires and when it is over: what was seen, which way it went, what each receiver said; and who has it."""
    evaluator = lab.serve()
    lab.exporter.level = 10
    until(lambda: everybody_knows(lab), "the page on every channel")
    until(lambda: evaluator.metric('tocsin_outbox_depth{channel="pagerduty"}') == 0, "settled")
    (alert,) = [each for each in evaluator.alerts(status="active") if "FaultLevel" in each["title"]]
    taken = requests.post(f"{evaluator.url}/api/v1/alerts/{alert['id']}/acknowledge", json={"by": "ana"}, timeout=10)
    until(lambda: lab.pages("acknowledge"), "PagerDuty knows who has it")
    firing = explained(evaluator.url, alert["id"])
    lab.exporter.level = 0
    until(lambda: everybody_relieved(lab), "the end on every channel")
    evaluator.ticks(2)
    over = explained(evaluator.url, alert["id"])
    unknown = explained(evaluator.url, "nonsense")

    assert taken.status_code == 200
    for line in ("why: email, pagerduty, slack took it", "ana has it", "pagerduty by route *: told at"):
        assert line in firing
    for line in (": resolved\n", "email: fire, sent", "pagerduty: acknowledge, sent", "slack: resolve, sent"):
        assert line in over
    assert "there is no alert with this id" in unknown


def explained(url: str, name: str) -> str:
    """What `tocsin explain alert` says."""
    command = [sys.executable, "-m", "tocsin.cli.main", "explain", "alert", name, "--url", url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout + done.stderr


def test_an_alert_is_renamed_while_it_fires(lab: Lab) -> None:
    """SIGHUP, kill -9 and a start with the new name: no RESOLVED, no second page, one end, under the first key."""
    evaluator = lab.serve()
    lab.exporter.level = 10
    until(lambda: everybody_knows(lab), "the page on every channel")
    [begin] = lab.pages("trigger")
    key = begin.json["dedup_key"]
    taken = requests.post(f"{evaluator.url}/api/v1/alerts/{key}/acknowledge", json={"by": "ana"}, timeout=10)
    assert taken.status_code == 200

    lab.write("shop.yaml", DEFINITIONS.replace("FaultLevel:", "FaultLevelHigh:\n    formerly: [FaultLevel]"))
    evaluator.process.send_signal(signal.SIGHUP)
    until(lambda: titles(evaluator) == ["FaultLevelHigh on shop"], "the new name")
    evaluator.ticks(3)
    [shown] = [alert for alert in evaluator.alerts(status="active") if "FaultLevel" in alert["title"]]
    assert shown["id"] == key

    lab.write("shop.yaml", DEFINITIONS.replace("FaultLevel:", "FaultLevelWorst:\n    formerly: [FaultLevelHigh]"))
    evaluator.kill()
    again = lab.serve()
    until(lambda: titles(again) == ["FaultLevelWorst on shop"], "the next name")
    again.ticks(3)
    assert "ana has it since" in again.get(f"/alerts/{key}").text
    lab.exporter.level = 0
    until(lambda: everybody_relieved(lab), "the end on every channel")
    again.ticks(3)

    assert (len(lab.subjects("FIRING")), len(lab.subjects("RESOLVED"))) == (1, 1)
    assert len(lab.slack()) == 2
    assert (len(lab.pages("trigger")), len(lab.pages("resolve"))) == (1, 1)
    assert lab.pages("resolve")[0].json["dedup_key"] == key
    assert "FaultLevelWorst on shop" in lab.slack()[-1]
    assert "FaultLevelWorst on shop" in lab.inbox.mails[-1].text
    assert again.stop() == 0


def titles(evaluator: Evaluator) -> list[str]:
    """What fires of our alert, without the labels of the row."""
    return [
        alert["title"].partition(" (")[0]
        for alert in evaluator.alerts(status="active")
        if "FaultLevel" in alert["title"]
    ]

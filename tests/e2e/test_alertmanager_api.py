"""A real Prometheus that sends its alerts to `tocsin serve`, and Alertmanager's own `amtool` against it."""

import json
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.conftest import DEFINITIONS, Evaluator, Lab, Prometheus, until

from tocsin.adapters.children import free_port
from tocsin.adapters.prometheus_rules import PrometheusRules
from tocsin.errors import SourceError
from tocsin.ports import labels_of

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

RULES = """\
groups:
  - name: shop
    rules:
      - alert: TooHot
        expr: fault_level > 5
        labels: {severity: critical, service: shop, team: ops}
        annotations: {summary: "the level is {{ $value }}", runbook_url: "https://runbooks.example/hot"}
      - alert: QuiteWarm
        expr: fault_level > 8
        labels: {severity: warning, service: shop, team: ops}
"""


class Sender(Prometheus):
    """A Prometheus with rules of its own that sends to Tocsin, on a port that is known before it listens."""

    def __init__(self, folder: Path, target: int, tocsin: int) -> None:
        super().__init__(folder, target)
        (folder / "rules.yml").write_text(RULES)
        self.flags = ("--rules.alert.resend-delay=1s",)  # an alert then lasts four seconds after the last word
        config = (
            (folder / "prometheus.yml")
            .read_text()
            .replace(
                "scrape_interval: 1s,", "scrape_interval: 1s, evaluation_interval: 1s, external_labels: {cluster: eu},"
            )
        )
        targets = f"{{targets: ['127.0.0.1:{tocsin}']}}"
        config += f"rule_files: [rules.yml]\nalerting: {{alertmanagers: [{{static_configs: [{targets}]}}]}}\n"
        (folder / "prometheus.yml").write_text(config)


@pytest.fixture
def sent(lab: Lab) -> tuple[Evaluator, Sender]:
    """Tocsin, and a Prometheus that sends to it; what Tocsin itself asks is another one."""
    lab.write("shop.yaml", DEFINITIONS.partition("alerts:")[0])
    port = free_port()
    sender = Sender(lab.folder / "sender", lab.exporter.port, port)
    lab.stack.callback(sender.kill)
    evaluator = lab.serve("--listen", f"127.0.0.1:{port}")
    sender.start()
    return evaluator, sender


def amtool(evaluator: Evaluator, *arguments: str) -> str:
    """Run Alertmanager's tool against Tocsin."""
    done = subprocess.run(
        ["amtool", f"--alertmanager.url={evaluator.url}", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return done.stdout


def listed(evaluator: Evaluator, *arguments: str) -> list[dict[str, Any]]:
    """What amtool says, as JSON."""
    found: list[dict[str, Any]] = json.loads(amtool(evaluator, "-o", "json", *arguments))
    return found


def mails(lab: Lab, *words: str) -> list[str]:
    """Subjects of mails that contain all *words*."""
    return [mail.subject for mail in lab.inbox.mails if all(word in mail.subject for word in words)]


def names(evaluator: Evaluator, *arguments: str) -> set[str]:
    """Alerts by name."""
    return {alert["labels"]["alertname"] for alert in listed(evaluator, "alert", "query", *arguments)}


def test_alerts_of_a_prometheus_are_grouped_sent_and_closed(lab: Lab, sent: tuple[Evaluator, Sender]) -> None:
    """Both alerts of the service in one mail with the words of their annotations; then one RESOLVED."""
    evaluator, _ = sent
    lab.exporter.level = 10
    until(lambda: mails(lab, "FIRING", "TooHot"), "the page")
    until(lambda: names(evaluator) >= {"TooHot", "QuiteWarm"}, "both alerts")
    (hot,) = listed(evaluator, "alert", "query", "alertname=TooHot")

    assert hot["labels"] == {
        "alertname": "TooHot", "cluster": "eu", "instance": f"127.0.0.1:{lab.exporter.port}", "job": "shop",
        "service": "shop", "severity": "critical", "team": "ops",
    }  # fmt: skip
    assert hot["receivers"] == [{"name": "email"}]
    assert (hot["status"]["state"], hot["annotations"]["summary"]) == ("active", "the level is 10")
    assert "fault_level" in hot["generatorURL"]
    assert any("the level is 10" in mail.text for mail in lab.inbox.mails)

    lab.exporter.level = 0
    until(lambda: mails(lab, "RESOLVED"), "the end")
    until(lambda: not names(evaluator), "nothing is open")
    evaluator.ticks(3)
    assert len(mails(lab, "RESOLVED")) == 1


def test_a_silence_of_amtool_mutes_until_it_is_expired(lab: Lab, sent: tuple[Evaluator, Sender]) -> None:
    """Made before the fault: no mail, the alert is shown as suppressed by it; expired: the mail comes."""
    evaluator, _ = sent
    made = amtool(evaluator, "silence", "add", "team=ops", "-d", "2h", "-a", "ana", "-c", "new disks").strip()
    lab.exporter.level = 10
    until(lambda: names(evaluator, "--silenced") == {"TooHot", "QuiteWarm"}, "both alerts are silenced")
    evaluator.ticks(3)
    (hot,) = listed(evaluator, "alert", "query", "--silenced", "alertname=TooHot")
    page = evaluator.get("/").text

    assert hot["status"] == {"inhibitedBy": [], "silencedBy": [made], "state": "suppressed"}
    assert names(evaluator) == set()  # amtool shows active ones
    assert mails(lab) == []
    assert "new disks" in page
    (one,) = listed(evaluator, "silence", "query", "team=ops")
    assert (one["id"], one["createdBy"], one["status"]["state"]) == (made, "ana", "active")

    assert amtool(evaluator, "silence", "update", made, "-d", "4h", "-c", "more disks").startswith("ID")
    (longer,) = listed(evaluator, "silence", "query")
    assert (longer["comment"], longer["endsAt"] > one["endsAt"]) == ("more disks", True)
    amtool(evaluator, "silence", "expire", longer["id"])
    until(lambda: mails(lab, "FIRING"), "the page after the silence")
    assert listed(evaluator, "silence", "query") == []
    assert {each["id"] for each in listed(evaluator, "silence", "query", "--expired")} >= {longer["id"]}


def test_a_prometheus_that_is_killed_resolves_nothing(lab: Lab, sent: tuple[Evaluator, Sender]) -> None:
    """Its alerts become blind when their time runs out; one alert tells of it; its own end closes them, once."""
    evaluator, sender = sent
    lab.exporter.level = 6  # of one rule: a look may come between what is said of two
    until(lambda: mails(lab, "FIRING", "TooHot"), "the page")
    sender.kill()
    lab.exporter.level = 0
    until(lambda: _blind(evaluator), "blind")
    until(lambda: mails(lab, "silent"), "the alert about the sender")
    evaluator.ticks(3)
    blind = [alert for alert in evaluator.get("/api/v1/status").json()["alerts"] if alert["rule"] == "received:TooHot"]

    assert [alert["blindSince"] is not None for alert in blind] == [True]
    assert mails(lab, "RESOLVED") == []

    sender.start()
    lab.exporter.level = 6
    until(lambda: not _blind(evaluator), "the sender is heard again")
    lab.exporter.level = 0
    until(lambda: mails(lab, "RESOLVED", "TooHot"), "the end, from its sender")
    evaluator.ticks(3)
    assert len(mails(lab, "FIRING", "TooHot")) == len(mails(lab, "RESOLVED", "TooHot")) == 1


def test_another_prometheus_with_the_same_rules_ends_nothing(lab: Lab, sent: tuple[Evaluator, Sender]) -> None:
    """The metric source evaluates them, too, and says that all is well: of its alerts, not of those of another one."""
    evaluator, sender = sent
    lab.prometheus.evaluate(RULES)
    with closing(PrometheusRules(lab.prometheus.url)) as rules:
        until(lambda: [rule for rule in rules.alerting_rules() if rule.evaluated_at], "an evaluation")
        lab.exporter.level = 10
        until(lambda: mails(lab, "FIRING", "TooHot"), "the page")
        sender.kill()
        lab.exporter.level = 0
        killed = time.time()
        until(
            lambda: all(
                rule.evaluated_at and rule.evaluated_at.timestamp() > killed + 6 and not rule.alerts
                for rule in rules.alerting_rules()
            ),
            "it is over there",
        )
    until(lambda: _blind(evaluator), "blind")
    evaluator.ticks(3)

    assert mails(lab, "RESOLVED", "TooHot") == []


def _blind(evaluator: Evaluator) -> bool:
    return any(alert["blindSince"] for alert in evaluator.get("/api/v1/status").json()["alerts"])


def test_what_a_prometheus_says_of_its_rules(lab: Lab, sent: tuple[Evaluator, Sender]) -> None:
    """Names, labels, when each was evaluated, and what is pending or fires: the evidence for an end."""
    _, sender = sent
    with closing(PrometheusRules(sender.url)) as rules:
        until(lambda: all(rule.evaluated_at for rule in rules.alerting_rules()), "an evaluation")
        quiet = {rule.name: rule for rule in rules.alerting_rules()}
        lab.exporter.level = 10
        until(lambda: all(rule.alerts for rule in rules.alerting_rules()), "both fire")
        (hot,) = [rule for rule in rules.alerting_rules() if rule.name == "TooHot"]
        external = rules.external_labels()
    with closing(PrometheusRules(f"http://127.0.0.1:{free_port()}")) as nobody, pytest.raises(SourceError):
        nobody.alerting_rules()

    assert (hot.query, external, nobody.external_labels()) == ("fault_level > 5", (("cluster", "eu"),), ())
    assert quiet["TooHot"].labels == labels_of({"severity": "critical", "service": "shop", "team": "ops"})
    assert (quiet["TooHot"].healthy, quiet["TooHot"].alerts) == (True, ())
    assert hot.evaluated_at > quiet["TooHot"].evaluated_at  # type: ignore[operator]  # both are there
    assert dict(hot.alerts[0]) == dict(hot.labels) | {
        "alertname": "TooHot", "instance": f"127.0.0.1:{lab.exporter.port}", "job": "shop",
    }  # fmt: skip


def test_amtool_reads_routes_and_configuration(sent: tuple[Evaluator, Sender]) -> None:
    """`amtool config show` and `config routes test` work on what Tocsin says its routes are."""
    evaluator, _ = sent

    assert "group_by" in amtool(evaluator, "config", "show")
    assert amtool(evaluator, "config", "routes", "test", "service=shop").split() == ["email"]

"""`tocsin serve` as a child process, and what its API says."""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tocsin.adapters.children import Child
from tocsin.adapters.embedded import answers
from tocsin.demo.prometheus import get_json
from tocsin.demo.receivers import HttpReceiver, Inbox
from tocsin.service.phrases import exact, share, times

START_SECONDS = 30.0
INTERVAL = "2s"
_URL = re.compile(r"^listening on (http://\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Objective:
    """One SLO as the evaluator sees it; *burn* is the rate over the long window of its first tier."""

    ref: str
    target: float
    state: str
    left: float | None
    burn: float | None
    pace: str
    """Burn rates over both windows of that tier in words."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What `GET /api/v1/status` says: every objective, and the rules of all open alerts."""

    objectives: Mapping[str, Objective]
    journeys: tuple[Objective, ...]
    slas: tuple[str, ...]
    open: frozenset[str]


def start_evaluator(
    folder: Path, definitions: Path, prometheus: str, environment: Mapping[str, str]
) -> tuple[Child, str]:
    """Start `tocsin serve` on *definitions*; returns it with its URL once it has evaluated everything."""
    command = [
        *(sys.executable, "-m", "tocsin.cli.main", "serve", str(definitions)),
        *("--prometheus", prometheus, "--state", str(folder / "tocsin.db")),
        *("--listen", "127.0.0.1:0", "--interval", INTERVAL),
    ]
    child = Child("tocsin serve", command, folder / "serve.log", {**os.environ, **environment})
    try:
        child.wait_until(lambda: _url(child) is not None, START_SECONDS, "listening")
        url = str(_url(child))
        child.wait_until(partial(answers, f"{url}/readyz"), START_SECONDS, "a complete evaluation")
    except BaseException:
        child.stop()
        raise
    return child, url


def _url(child: Child) -> str | None:
    match = _URL.search(child.log.read_text(encoding="utf-8", errors="replace"))
    return match[1] if match else None


def channel_environment(inbox: Inbox, receiver: HttpReceiver) -> Mapping[str, str]:
    """The settings with which the definitions' own `{env: …}` channels lead to the local receivers."""
    return {
        "SMTP_HOST": inbox.host,
        "SMTP_PORT": str(inbox.port),
        "SMTP_TLS": "none",
        "SMTP_USER": "",
        "SMTP_PASSWORD": "",
        "SLACK_WEBHOOK": "https://hooks.slack.com/services/T0DEMO000/B0DEMO000/demodemodemodemodemodemo",
        "SLACK_ENDPOINT": receiver.url,
        "PAGERDUTY_KEY": "0" * 32,
        "PAGERDUTY_ENDPOINT": receiver.url,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def standing(url: str) -> Standing:
    """How things stand now."""
    status = get_json(f"{url}/api/v1/status")
    return Standing(
        objectives={slo["ref"]: _objective(slo) for slo in status["slos"]},
        journeys=tuple(
            Objective(each["ref"], each["target"], each["state"], each["budgetRemaining"], None, "")
            for each in status["journeys"]
        ),
        slas=tuple(
            f"SLA {sla['name']} is {'broken' if sla['breached'] else 'kept'}: "
            f"{share(sla['uptime'])} of {exact(sla['target'])} in this period"
            for sla in status["slas"]
            if sla["uptime"] is not None
        ),
        open=frozenset(alert["rule"] for alert in status["alerts"]),
    )


def _objective(slo: Mapping[str, Any]) -> Objective:
    first = slo["burns"][0] if slo["burns"] else None
    return Objective(
        slo["ref"],
        slo["target"],
        slo["state"],
        slo["budgetRemaining"],
        first["rateLong"] if first else None,
        f"{times(first['rateLong'])} over {first['long']}, {times(first['rateShort'])} over {first['short']} "
        f"(pages at {times(first['factor'])})"
        if first
        else "not watched",
    )

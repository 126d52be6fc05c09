"""No secret gets out: not by a log, not by an error, not by the API, whatever the receivers do with it."""

import io
import logging
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests import builders
from tests.alerts import NOON, channel, message, notifications, route, seconds, text
from tests.couriers import TestClock, post
from tests.sites import Site, standing

from tocsin.adapters.database import open_engine
from tocsin.demo.receivers import HttpReceiver, Inbox, Reply
from tocsin.errors import MisuseError
from tocsin.ports import Action, Delivery, Notification
from tocsin.service.alertmanager.configuration import Configuration
from tocsin.service.board import Standing
from tocsin.service.delivery import Courier
from tocsin.service.renewal import Renewal
from tocsin.service.telemetry import configure_logging
from tocsin.spec import Secret
from tocsin_notifiers import build

pytestmark = pytest.mark.real

WEBHOOK, TOKEN, KEY = "wh00k53cr3t0123456789xyz", "t0k3n53cr3t0123456789xyz", "k3y53cr3t0123456789abcdefghijklm"
PASSWORD, BASIC, HOOK, ODD = "p4ssw0rd53cr3t01", "b4s1c53cr3t01", "h00k53cr3t0123", "0dd53cr3t01"
SECRETS = (WEBHOOK, TOKEN, KEY, PASSWORD, BASIC, HOOK, ODD)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The API and the page."""
    with standing(tmp_path) as site:
        yield site


def channels(web: str, host: str, port: int, mail: int) -> dict[str, Any]:
    """Every kind, each with secrets of its own, to *web* and to the mail server."""
    mailed: dict[str, Any] = {"host": host, "port": str(mail), "tls": "none", "from": "t@x.org", "to": ("a@x.org",)}
    made: dict[str, Any] = {
        "webhook": build(
            "webhook", "slack", {"webhook": f"https://hooks.slack.com/services/T0/B0/{WEBHOOK}", "endpoint": web}
        ),
        "bot": build("bot", "slack", {"token": f"xoxb-{TOKEN}", "channel": "#ops", "endpoint": web}),
        "pager": build("pager", "pagerduty", {"integration_key": KEY, "endpoint": web}),
        "mail": build("mail", "email", mailed | {"user": "alerts", "password": PASSWORD}),
        "am": build("am", "alertmanager", {"urls": (f"http://u:{BASIC}@{host}:{port}",)}),
        "any": build("any", "apprise", {"url": f"json://u:{HOOK}@{host}:{port}/x"}),
        "odd": Odd(),
    }
    for each in made.values():
        each.deadline, each.rate = 0.5, None
    return made


class Odd:
    """A channel with a bug whose text holds a secret."""

    name, idempotent, joins, deadline = "odd", False, True, 1.0
    rate: Any = None

    def send(self, notification: Notification, now: datetime) -> Delivery:
        """Fail."""
        raise RuntimeError(f"bad request to https://x/{ODD}")


PLACES = {"/services": WEBHOOK, "/api/chat": TOKEN, "/v2": KEY, "/api/v2": BASIC, "/x": HOOK}
"""Where each channel's requests go, and what is echoed to it there."""

FAULTS: dict[str, Callable[[str], Reply]] = {
    "refused": lambda secret: Reply(403, body=f"no such token {secret}".encode()),
    "broken": lambda secret: Reply(500, {"Retry-After": "1"}, secret.encode()),
    "strange": lambda secret: Reply(200, body=f"<h1>{secret}</h1>".encode()),
    "slack": lambda secret: Reply(200, body=f'{{"ok": false, "error": "{secret}"}}'.encode()),
    "redirect": lambda secret: Reply(302, {"Location": f"https://elsewhere.example/{secret}"}, secret.encode()),
    "silent": lambda secret: Reply(hang=True),
}


@pytest.mark.parametrize("fault", [*FAULTS, "away"])
def test_planted_secrets_are_nowhere(
    site: Site, fault: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """The receivers refuse, break, echo everything, send elsewhere, hang, or are not there at all."""
    log, clock = io.StringIO(), TestClock()
    caplog.set_level(logging.CRITICAL, "mail.log")  # of the mail server, which is here only for the test
    with HttpReceiver() as web, Inbox() as inbox, configure_logging(verbose=True, stream=log):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            gone = taken.getsockname()[1]
        if fault == "away":
            made = channels(f"http://127.0.0.1:{gone}", "127.0.0.1", gone, gone)
        else:
            made = channels(web.url, "127.0.0.1", web.port, inbox.port)
            for place, secret in PLACES.items():
                web.answer(*[FAULTS[fault](secret)] * 9, path=place)
            inbox.rcpt.extend([f"550 5.7.1 {PASSWORD} is wrong"] * 9)
        courier = Courier(site.store, made, clock, jitter=lambda: 0.0)
        post(site.store, *(message(name) for name in made), at=clock.at)
        post(site.store, *(message(name, Action.RESOLVE, text(resolved=NOON), seq=1) for name in made), at=clock.at)
        for name in made:
            courier.step(name)
            clock.at += seconds(40)
            courier.step(name)
        Renewal(clock, lambda name, now: (text(),), lambda: True, (made["am"],)).renew()
        logging.getLogger("tocsin").info("%r", made)
    statuses = ("dead", "pending", "sent")
    api = "".join(site.ask("/api/v1/deliveries", {"status": status}).text for status in statuses)
    shown = "".join(site.ask(path).text for path in ("/", "/metrics", "/readyz", "/api/v1/status"))
    kept = b"".join(file.read_bytes() for file in Path(str(site.store._engine.url.database)).parent.iterdir())
    printed = "".join(capfd.readouterr())

    assert '"channel":"pager"' in api
    assert "pager" in log.getvalue()
    assert ("***" in api) is (fault in {"refused", "broken", "strange", "slack", "redirect"}) or fault == "silent"
    for secret in SECRETS:
        assert secret not in log.getvalue() + api + shown + printed
        assert secret.encode() not in kept


@pytest.mark.parametrize(("status", "before"), [(200, "x" * 60), (403, " \n" * 240), (403, "x" * 60)])
def test_a_secret_is_hidden_before_an_answer_is_cut(status: int, before: str) -> None:
    """Half a key in a log is too much."""
    with HttpReceiver() as web:
        web.answer(Reply(status, body=f"{before}{KEY}".encode()))
        told = build("pager", "pagerduty", {"integration_key": KEY, "endpoint": web.url}).send(message("pager"), NOON)

    assert told.detail.endswith("***")


def test_what_amtool_shows_of_channels_has_no_password() -> None:
    """Also where it stands in the address of a proxy, which is no secret otherwise."""
    proxied = replace(channel("pd", "pagerduty"), settings={"endpoint": Secret(env="GATE")})
    workspace = replace(builders.workspace(), notifications=notifications(proxied, route("pd")))
    shown = Configuration({"GATE": f"http://user:{PASSWORD}@gate.example"}).of(Standing(workspace, seconds(15), NOON))

    assert "http://***@gate.example/v2/enqueue" in shown
    assert PASSWORD not in shown


@pytest.mark.parametrize("url", [f"postgresql://u:p@{PASSWORD}@h/x", f"postgresql://u:{PASSWORD}@h:port/x"])
def test_a_state_store_that_is_mistyped_shows_no_password(url: str) -> None:
    """Part of it would be taken for a host, and told as one that does not resolve."""
    with pytest.raises(MisuseError) as error:
        open_engine(url)

    assert PASSWORD not in str(error.value)

"""What the demonstration expects of messages and children, and what it says when they fail."""

import io
import json
import shutil
import sys
import time
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from rich.console import Console

from tocsin.adapters.children import Child
from tocsin.demo.expectations import (
    MissedError,
    Patience,
    left_out,
    page_mail,
    pagerduty_resolve,
    pagerduty_trigger,
    resolved_mail,
    slack_message,
)
from tocsin.demo.receivers import Mail, Received
from tocsin.demo.stage import workplace
from tocsin.demo.story import Story
from tocsin.errors import MisuseError, UnavailableError

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
PAGE = """\
FIRING

be-camera/uptime burns its error budget too fast (fast)

Service      be-camera
Severity     critical
Since        2026-11-23 14:00:00 UTC (for 12s)
SLO          be-camera/uptime 99.9% over 30d
Burn rate    18.6x over 1h, 861x over 1m (pages at 14.4x)
Budget left  53.6%
"""


def mail(subject: str, text: str) -> Mail:
    """A received mail."""
    message = EmailMessage()
    message["Subject"] = subject
    message.set_content(text)
    return Mail(NOW, "a@example.org", ("b@example.org",), message)


def posted(path: str, body: object) -> Received:
    """A received request."""
    return Received(NOW, "POST", path, {}, json.dumps(body).encode())


def test_a_whole_page_leaves_nothing_out() -> None:
    """Service, SLO, burn rate, budget left and since when are all found."""
    page = mail("[FIRING] be-camera/uptime burns its error budget too fast (fast) (critical)", PAGE)

    assert left_out(page) == ()
    assert page_mail(page)
    assert not resolved_mail(page)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("Service", "the service"),
        ("SLO", "the SLO"),
        ("Burn rate", "the burn rate"),
        ("Budget left", "the budget left"),
        ("Since", "since when"),
    ],
)
def test_a_page_that_leaves_a_line_out_is_noticed(line: str, what: str) -> None:
    """Each of the five things that a page must name is missed by its name."""
    text = "".join(kept + "\n" for kept in PAGE.splitlines() if not kept.startswith(line))

    assert (what,) == left_out(mail("[FIRING] x", text))


def test_the_end_is_told_apart_from_the_beginning() -> None:
    """A resolved mail says when; another alert's page is not ours."""
    over = PAGE.replace("FIRING", "RESOLVED").replace("Severity", "Resolved     2026-11-23 14:01:00 UTC\nSeverity")

    assert resolved_mail(mail("[RESOLVED] be-camera/uptime", over))
    assert not page_mail(mail("[RESOLVED] be-camera/uptime", over))
    assert not page_mail(mail("[FIRING] be-auth/uptime (fast)", PAGE.replace("be-camera", "be-auth")))
    assert not page_mail(mail("[FIRING] be-camera/uptime (steady)", PAGE.replace("(fast)", "(steady)")))


def test_slack_and_pagerduty_are_recognised_by_service_and_state() -> None:
    """A trigger is ours by its text, a resolve by nothing but its key."""
    trigger = {"event_action": "trigger", "dedup_key": "k", "payload": {"summary": "be-camera/uptime (fast)"}}

    assert slack_message(posted("/services/T/B/C", {"text": "[FIRING] be-camera/uptime"}), "FIRING")
    assert not slack_message(posted("/services/T/B/C", {"text": "[FIRING] be-camera/uptime"}), "RESOLVED")
    assert pagerduty_trigger(posted("/v2/enqueue", trigger)) == "k"
    assert pagerduty_trigger(posted("/v2/enqueue", trigger | {"payload": {"summary": "mysql/up"}})) is None
    assert pagerduty_resolve(posted("/v2/enqueue", {"event_action": "resolve", "dedup_key": "k"}), "k")
    assert not pagerduty_resolve(posted("/v2/enqueue", {"event_action": "resolve", "dedup_key": "l"}), "k")


def test_patience_ends_with_what_did_not_happen() -> None:
    """The message names the expectation and its deadline; meanwhile somebody looks around."""
    looks: list[float] = []
    patience = Patience(lambda: looks.append(time.monotonic()))

    with pytest.raises(MissedError, match=r"did not happen within 0\.3 s: the page arrives"):
        patience.until("the page arrives", 0.3, lambda: None)
    assert looks
    assert patience.until("luck", 0.3, lambda: 7) == 7


def test_a_timeline_counts_from_the_fault_and_is_plain_without_a_terminal() -> None:
    """No escape codes reach a file."""
    output = io.StringIO()
    story = Story(Console(file=output, width=100))
    story.event("repair", "before")
    story.zero = time.monotonic() - 75
    story.event("page", "email")
    story.frame("[FIRING] x", "text", "red")

    assert "\x1b" not in output.getvalue()
    assert "+1:15" in output.getvalue()


@pytest.mark.real
def test_a_child_is_stopped_with_all_it_started(tmp_path: Path) -> None:
    """The whole process group ends, also where the child's own child would stay."""
    alive = tmp_path / "alive"
    grandchild = f"import time, pathlib\nwhile True: pathlib.Path({str(alive)!r}).touch(); time.sleep(0.02)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {grandchild!r}])"
    with Child("nest", [sys.executable, "-c", code], tmp_path / "log") as child:
        child.wait_until(alive.exists, 20, "a grandchild")
    time.sleep(0.1)
    alive.unlink()
    time.sleep(0.2)

    assert not alive.exists()
    assert not child.alive()


@pytest.mark.real
def test_a_child_that_dies_is_quoted(tmp_path: Path) -> None:
    """The end of its log is the reason."""
    code = "import sys; print('no such thing'); sys.exit(3)"
    with (
        Child("fragile", [sys.executable, "-c", code], tmp_path / "log") as child,
        pytest.raises(UnavailableError, match="fragile ended with 3: no such thing"),
    ):
        child.wait_until(lambda: False, 20, "anything")


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    """No traceback for a missing binary."""
    with pytest.raises(UnavailableError, match="ghost cannot be started"):
        Child("ghost", ["/no/such/program"], tmp_path / "log")


def test_a_kept_folder_is_never_somebody_elses(tmp_path: Path) -> None:
    """--keep refuses a folder with something in it, and leaves a new one behind."""
    (tmp_path / "precious").touch()
    with pytest.raises(MisuseError, match="not an empty folder"), workplace(str(tmp_path)):
        pass
    with workplace(str(tmp_path / "new")) as folder:
        (folder / "log").touch()

    assert (tmp_path / "new" / "log").exists()


def test_a_temporary_folder_stays_only_after_a_failure_with_logs() -> None:
    """Whoever debugs finds the logs; whoever does not finds nothing."""
    with workplace(None) as good:
        (good / "serve.log").touch()
    with pytest.raises(MisuseError), workplace(None) as early:
        raise MisuseError("no such definitions")
    with pytest.raises(MissedError), workplace(None) as bad:  # noqa: PT012
        (bad / "serve.log").touch()
        raise MissedError("did not happen")

    assert [folder.exists() for folder in (good, early, bad)] == [False, False, True]
    shutil.rmtree(bad)

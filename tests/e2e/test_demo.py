"""`tocsin demo rules --once` does what it promises, with real processes; and it cleans up when it is interrupted."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEMO = [sys.executable, "-m", "tocsin.cli.main", "demo"]

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("demo")]


def processes_below(folder: Path) -> list[str]:
    """Command lines of running processes that name *folder*."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if str(folder) in line and path.parent.name != str(os.getpid()) and " demo " not in line:
            found.append(line)
    return found


@pytest.mark.timeout(340)
def test_once_shows_the_page_and_the_resolve_and_ends_with_0(tmp_path: Path) -> None:
    """Fault, page within 90 s with everything it must name, resolve on every channel, exit code 0, nothing left."""
    folder = tmp_path / "kept"
    began = time.monotonic()
    done = subprocess.run(
        [*DEMO, "rules", "--once", "--keep", str(folder)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=330,
        check=False,
    )
    took = time.monotonic() - began
    said = done.stdout

    assert done.returncode == 0, said + done.stderr
    assert took < 300
    assert "\x1b" not in said
    for line in (
        r"but for \d+ values",
        r"rules/be-camera\.yaml:12 +beCamera-service:8080 → 127\.0\.0\.1:\d+",
        r"\+0:00 +FAULT",
        r"PENDING +be-camera/HighErrorRate",
        r"BURNING",
        r"\[FIRING\] be-camera/uptime",
        r"Burn rate +\d[\d.]*x over 1h",
        r"Budget left +-?\d[\d.]*%",
        r"PAGE +PagerDuty accepted a trigger, dedup_key \w+",
        r"\[RESOLVED\] be-camera/uptime",
        r"RESOLVED +PagerDuty accepted the resolve of the same dedup_key",
    ):
        assert re.search(line, said), line
    match = re.search(r"fault to email +(\d+) s", said)
    assert match is not None
    assert int(match[1]) <= 90
    assert {"rules", "compiled", "data", "serve.log", "prometheus.log"} <= {path.name for path in folder.iterdir()}
    assert processes_below(folder) == []


@pytest.mark.timeout(340)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_no_process_behind(tmp_path: Path, number: signal.Signals) -> None:
    """Whenever somebody loses patience, Prometheus and the evaluator are stopped."""
    folder, output = tmp_path / "kept", tmp_path / "output"
    with (
        output.open("wb") as file,
        subprocess.Popen([*DEMO, "rules", "--keep", str(folder)], stdout=file, stderr=file, cwd=ROOT) as demo,
    ):
        try:
            deadline = time.monotonic() + 260
            while "FAULT" not in output.read_text():
                assert time.monotonic() < deadline, output.read_text()
                assert demo.poll() is None, output.read_text()
                time.sleep(0.2)
            running = processes_below(folder)
        finally:
            demo.send_signal(number)
        code = demo.wait(30)

    assert code == 128 + number
    assert len(running) == 2
    assert processes_below(folder) == []
    assert "Traceback" not in output.read_text()


def test_definitions_of_another_platform_are_refused(tmp_path: Path) -> None:
    """The story needs the AI-camera platform; anything else is said at once, with exit code 2."""
    (tmp_path / "shop.yaml").write_text("apiVersion: tocsin/v1\nkind: Service\nname: shop\n")
    done = subprocess.run([*DEMO, str(tmp_path), "--once"], capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 2
    assert "do not know be-auth, be-camera, mysql, redis, be-camera/uptime" in done.stderr


def test_a_channel_to_real_people_is_refused(tmp_path: Path) -> None:
    """A literal webhook would be called for a made-up outage; nothing is started then."""
    for path in (ROOT / "rules").glob("*.yaml"):
        text = path.read_text().replace(
            "{env: SLACK_ENDPOINT, default: https://hooks.slack.com}", "https://slack.example"
        )
        (tmp_path / path.name).write_text(text)
    done = subprocess.run([*DEMO, str(tmp_path), "--once"], capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 2
    assert "the channel 'slack' would leave this machine" in done.stderr
    assert "hint: let its endpoint come from {env: SLACK_ENDPOINT}" in done.stderr

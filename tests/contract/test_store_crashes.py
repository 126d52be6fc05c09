"""`kill -9` within a commit: whichever statement it comes before, nothing of the commit is there."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.alerts import NOON

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]


def test_a_commit_is_all_or_nothing_wherever_it_is_killed(where: str) -> None:
    """States, conversations, episodes and messages of one evaluation; the last process is not killed."""
    command = [sys.executable, "-m", "tests.contract.commit_process", where]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100, cwd=ROOT)
    *killed, last = [json.loads(line) for line in done.stdout.splitlines()]

    assert len(killed) > 8
    assert {(one["killed"], tuple(one["held"])) for one in killed} == {(True, (0, 0, 0, 0, "None"))}
    assert (last["code"], last["held"]) == (0, [2, 1, 2, 2, str(NOON)])

"""Options and profiles of the whole suite."""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tocsin.adapters.browser import find_browser
from tocsin.adapters.promtool import LEAN
from tocsin.errors import UnavailableError

settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile(
    "ci", max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("nightly", max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") == "true" else "dev"))

os.environ.setdefault(
    "GOGC", LEAN["GOGC"]
)  # servers that tests start keep their threads, and collect less garbage, too


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--update-golden`: write what the compiler makes now, to be read in the diff."""
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/golden/*/out")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """What `--dist loadgroup` does not do: `tests/scheduling.py`."""
    from tests.scheduling import Together

    return Together(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How much was computed, workers and all that they started: unlike minutes the same on a machine that is busy."""
    used = os.times()
    seconds = used.user + used.system + used.children_user + used.children_system
    terminalreporter.write_line(f"{seconds:.0f} CPU seconds")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden output is to be rewritten instead of compared."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture
def browser() -> str:
    """A browser that prints; it is the user's own program, and where none is there, there is nothing to try."""
    try:
        return find_browser()
    except UnavailableError:
        pytest.skip("no browser of the Chromium family on PATH")

"""A real VictoriaMetrics (single node) with samples and its own defaults, for the contract of metric sources.

The binary is `victoria-metrics` on PATH or below .tools/bin (`ci/setup victoria-metrics` puts Debian's there), or what
TOCSIN_VICTORIA_METRICS names.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

from tocsin.adapters.children import free_port
from tocsin.ports import Labels

ENVIRONMENT = "TOCSIN_VICTORIA_METRICS"
_OPENER = build_opener(ProxyHandler({}))


def binary() -> str | None:
    """Where it is, if it is."""
    here = Path(__file__).parents[1] / ".tools/bin/victoria-metrics"
    return shutil.which(os.environ.get(ENVIRONMENT, "victoria-metrics")) or (str(here) if here.exists() else None)


@contextmanager
def victoriametrics(folder: Path, series: Mapping[Labels, Sequence[tuple[datetime, float]]]) -> Iterator[str]:
    """The URL of a server that holds *series*."""
    found = binary()
    assert found, "victoria-metrics is missing"
    url = f"http://127.0.0.1:{free_port()}"
    flags = {
        "storageDataPath": folder / "data",
        "httpListenAddr": url.removeprefix("http://"),
        "retentionPeriod": "100y",
    }
    with (
        (folder / "log.txt").open("wb") as log,
        subprocess.Popen([found, *(f"-{name}={value}" for name, value in flags.items())], stdout=log, stderr=log) as it,
    ):
        try:
            _wait(f"{url}/health", it, folder / "log.txt")
            _post(f"{url}/api/v1/import/prometheus", "".join(_lines(series)))
            _OPENER.open(f"{url}/internal/force_flush", timeout=10).close()
            yield url
        finally:
            it.terminate()


def _lines(series: Mapping[Labels, Sequence[tuple[datetime, float]]]) -> Iterator[str]:
    for labels, points in series.items():
        told = ",".join(f'{name}="{value}"' for name, value in labels if name != "__name__")
        for at, value in points:
            yield f"{dict(labels)['__name__']}{{{told}}} {value} {at.timestamp() * 1000:.0f}\n"


def _post(url: str, text: str) -> None:
    _OPENER.open(Request(url, data=text.encode(), method="POST"), timeout=10).close()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            _OPENER.open(url, timeout=1).close()
        except (URLError, OSError):
            assert process.poll() is None, log.read_text(encoding="utf-8")
            time.sleep(0.1)
        else:
            return
    raise AssertionError(log.read_text(encoding="utf-8"))

"""A real Prometheus of our own: on a free loopback port, over samples of a file, gone when nobody needs it any more.

`embedded(file)` turns an OpenMetrics file with timestamps into blocks (`promtool tsdb create-blocks-from openmetrics`)
and starts a server on them. Blocks of thirty days: promtool reads the whole file once for each block, and one of two
hours is its default. What is wrong with the file is a MetricsError, whose finding has a place in it.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from tocsin.adapters.children import LOOPBACK, Child, free_port
from tocsin.adapters.openmetrics import MetricsError, dropped, far_away, refused
from tocsin.adapters.promtool import Promtool, find_promtool
from tocsin.errors import UnavailableError

START_SECONDS = 30.0
LOAD_SECONDS = 600.0
"""For promtool: it reads about a million samples in two seconds."""
ATTEMPTS = 3
"""Somebody else may take the free port first."""
FOR_EVER = "100y"
"""Samples of a file may be of any age."""
MOST_SAMPLES = 500_000_000
"""That one query may hold; the server's own default is for a server that many people share."""
_HINT = "run `ci/setup tools` in a checkout, or install the Debian package `prometheus` or `brew install prometheus`"


@dataclass(frozen=True, slots=True)
class Embedded:
    """A server that answers at *url*; its first and its last sample, and what is odd about the file."""

    url: str
    first: datetime
    last: datetime
    odd: MetricsError | None = None


@contextmanager
def embedded(metrics: Path, *, max_samples: int = MOST_SAMPLES, promtool: Promtool | None = None) -> Iterator[Embedded]:
    """A Prometheus over the samples of *metrics* for as long as the context lasts."""
    tool = promtool or find_promtool(deadline=LOAD_SECONDS)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-")))
        load(tool, metrics, folder / "data")
        first, last, count = _extent(metrics, folder / "data")
        wrong, odd = dropped(metrics, count)
        if wrong is not None:
            raise wrong
        config = folder / "prometheus.yml"
        config.write_text("global: {}\n", encoding="utf-8")
        more = (f"--query.max-samples={max_samples}", "--query.timeout=10m")
        child, url = start(folder, config, FOR_EVER, *more)
        stack.callback(child.stop)
        yield Embedded(url, first, last, odd)


def start(folder: Path, config: Path, retention: str, *more: str) -> tuple[Child, str]:
    """Start Prometheus on the blocks in *folder*/data with *config*; returns it with its URL when it is ready."""
    binary = shutil.which("prometheus")
    if binary is None:
        raise UnavailableError(
            "prometheus is not on PATH", hint=f"{_HINT}, or name a running one with --prometheus URL"
        )
    for _ in range(ATTEMPTS):
        address = f"{LOOPBACK}:{free_port()}"
        command = [
            binary,
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--storage.tsdb.retention.time={retention}",
            f"--web.listen-address={address}",
            "--log.level=warn",
            *more,
        ]
        child = Child("prometheus", command, folder / "prometheus.log")
        try:
            child.wait_until(partial(answers, f"http://{address}/-/ready"), START_SECONDS, "being ready")
        except BaseException as error:
            child.stop()
            if isinstance(error, UnavailableError) and "address already in use" in child.last_words():
                continue
            raise
        return child, f"http://{address}"
    raise UnavailableError("prometheus found its port taken, again and again")


def answers(url: str) -> bool:
    """Whether a GET of *url*, one of our own loopback addresses, succeeds."""
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=2) as response:
            return bool(response.status == 200)
    except (OSError, URLError):
        return False


def load(promtool: Promtool, metrics: Path, data: Path) -> None:
    """Make blocks in *data* of the samples in *metrics*."""
    try:
        empty = not metrics.stat().st_size
    except OSError as error:
        raise UnavailableError(f"{metrics}: cannot be read: {error.strerror}") from error
    if not empty and (far := far_away(metrics)) is not None:
        raise far
    said = "it holds no sample" if empty else promtool.create_blocks(metrics, data)
    if said is not None:
        raise refused(metrics, said)


def _extent(metrics: Path, data: Path) -> tuple[datetime, datetime, int]:
    """When the first and the last sample were taken, and how many there are, as the blocks say."""
    blocks = [json.loads(path.read_text(encoding="utf-8")) for path in data.glob("*/meta.json")]
    if not blocks:
        raise refused(metrics, "it holds no sample")
    first, last = min(block["minTime"] for block in blocks), max(block["maxTime"] for block in blocks) - 1
    count = sum(block["stats"].get("numSamples", 0) for block in blocks)
    return datetime.fromtimestamp(first / 1000, UTC), datetime.fromtimestamp(last / 1000, UTC), count

"""A real Prometheus as a child process, and the few questions that the demonstration asks one."""

import json
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tocsin.demo.children import Child, free_port
from tocsin.demo.loopback import LOOPBACK
from tocsin.errors import UnavailableError

RETENTION = "40d"
"""Longer than the 30 days of the objectives, so that no history is lost while the demonstration runs."""
START_SECONDS = 30.0
ATTEMPTS = 3
"""Somebody else may take the free port first."""


def start_prometheus(folder: Path, config: Path) -> tuple[Child, str]:
    """Start Prometheus on the blocks in *folder*/data with *config*; returns it with its URL when it is ready."""
    binary = shutil.which("prometheus")
    if binary is None:
        raise UnavailableError(
            "prometheus is not on PATH",
            hint="run `make demo`, which fetches it, or `ci/setup tools`, or name a running one with --prometheus URL",
        )
    for _ in range(ATTEMPTS):
        port = free_port()
        url = f"http://{LOOPBACK}:{port}"
        command = [
            binary,
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--storage.tsdb.retention.time={RETENTION}",
            f"--web.listen-address={LOOPBACK}:{port}",
            "--log.level=warn",
        ]
        child = Child("prometheus", command, folder / "prometheus.log")
        try:
            child.wait_until(partial(answers, f"{url}/-/ready"), START_SECONDS, "being ready")
        except BaseException as error:
            child.stop()
            if isinstance(error, UnavailableError) and "address already in use" in child.last_words():
                continue
            raise
        return child, url
    raise UnavailableError("prometheus found its port taken, again and again")


def answers(url: str) -> bool:
    """Whether a GET of *url* succeeds."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310  (our own loopback addresses)
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def get_json(url: str, timeout: float = 10.0) -> Any:
    """The parsed answer to a GET; raises UnavailableError where there is none."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as response:  # noqa: S310  (our own, or the URL asked for)
            return json.load(response)
    except (OSError, ValueError) as error:
        raise UnavailableError(f"{url.partition('?')[0]} does not answer: {error}") from error


def query(url: str, expression: str) -> tuple[tuple[Mapping[str, str], float], ...]:
    """The rows of an instant query, now."""
    answer = get_json(f"{url.rstrip('/')}/api/v1/query?{urllib.parse.urlencode({'query': expression})}")
    if answer.get("status") != "success":
        raise UnavailableError(f"{url} refused {expression!r}: {answer.get('error')}")
    return tuple((row["metric"], float(row["value"][1])) for row in answer["data"]["result"])


def scraped(url: str, addresses: Iterable[str]) -> bool:
    """Whether Prometheus has scraped all *addresses* with success."""
    try:
        up = {labels.get("instance") for labels, value in query(url, "up == 1") if value == 1}
    except UnavailableError:
        return False
    return set(addresses) <= up


def rules_in_error(url: str) -> tuple[str, ...]:
    """Names of the loaded rules whose last evaluation failed."""
    groups = get_json(f"{url.rstrip('/')}/api/v1/rules")["data"]["groups"]
    return tuple(rule["name"] for group in groups for rule in group["rules"] if rule.get("health") == "err")

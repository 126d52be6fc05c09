"""A real Prometheus as a child process, and the few questions that the demonstration asks one."""

import json
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tocsin.adapters.children import Child
from tocsin.adapters.embedded import start
from tocsin.errors import UnavailableError

RETENTION = "40d"
"""Longer than the 30 days of the objectives, so that no history is lost while the demonstration runs."""


def start_prometheus(folder: Path, config: Path) -> tuple[Child, str]:
    """Start Prometheus on the blocks in *folder*/data with *config*; returns it with its URL when it is ready."""
    return start(folder, config, RETENTION)


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

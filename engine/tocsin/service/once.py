"""One look without a service: definitions and a metric source to a Standing."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

from tocsin.adapters.prometheus_http import PrometheusSource
from tocsin.errors import UnavailableError
from tocsin.evaluate.memory import Memory
from tocsin.evaluate.tick import Watch, turn
from tocsin.service.board import Standing
from tocsin.settings import without_password
from tocsin.workspace import Workspace

_ASKERS = 8


def look_once(workspace: Workspace, prometheus: str) -> Standing:
    """Evaluate *workspace* once; raises UnavailableError where the metric source does not answer."""
    now, watch = datetime.now(UTC), Watch(workspace)
    with closing(PrometheusSource(prometheus, connections=_ASKERS)) as source, ThreadPoolExecutor(_ASKERS) as pool:
        sight = watch.look(source, now, spread=pool.map)
    if not sight.health.ok:
        raise UnavailableError(f"{without_password(prometheus)} does not answer: {sight.health.detail}")
    return Standing(
        workspace=workspace,
        interval=timedelta(seconds=15),
        started_at=now,
        snapshot=turn(watch, sight, Memory(), now).snapshot,
        ticked_at=now,
        version=version("tocsin"),
    )

"""Back-filled history: the simulated platform's past as Prometheus blocks, made by promtool."""

import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tocsin.demo.exporter import braces, number
from tocsin.demo.platform import SimulatedPlatform
from tocsin.errors import UnavailableError


@dataclass(frozen=True, slots=True)
class Stretch:
    """Instants from *start* to *end*, both included, *step* seconds apart; counted from the end."""

    start: float
    end: float
    step: float

    def instants(self) -> Iterator[float]:
        """All of them, oldest first.

        >>> list(Stretch(0.0, 130.0, 60.0).instants())
        [10.0, 70.0, 130.0]
        """
        for index in reversed(range(int((self.end - self.start) // self.step) + 1)):
            yield self.end - self.step * index


def openmetrics(platform: SimulatedPlatform, addresses: Mapping[str, str], instants: Iterable[float]) -> Iterator[str]:
    """What Prometheus would have stored of each scrape at *instants*: every series with its target's labels, and `up`.

    *addresses* are the `host:port` of each exporter, so that live scrapes continue the very same series.
    """
    plans = []
    for exporter in platform.exporters:
        target = {"job": exporter.job, "instance": addresses[exporter.name]}
        names = [f"{series.name}{braces({**series.labels, **target})} " for series in exporter.series()]
        plans.append((exporter, f"up{braces(target)} 1", names, [series.value for series in exporter.series()]))
    for at in instants:
        end = f" {number(at)}\n"
        for exporter, up, names, values in plans:
            moment = exporter.moment(at, platform.incidents)
            yield up + end
            yield "".join([name + number(value(moment)) + end for name, value in zip(names, values, strict=True)])
    yield "# EOF\n"


def write_blocks(promtool: str, source: Path, data: Path, timeout: float = 120.0) -> None:
    """Turn OpenMetrics text into Prometheus blocks below *data*.

    One large block: with the default block size of two hours a week of history takes minutes instead of seconds.
    """
    command = [promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", "--max-block-duration=960h"]
    try:
        done = subprocess.run(
            [*command, str(source), str(data)], capture_output=True, text=True, timeout=timeout, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(f"promtool could not write the history: {error}") from error
    if done.returncode:
        raise UnavailableError(f"promtool could not write the history: {(done.stderr or done.stdout).strip()[-500:]}")

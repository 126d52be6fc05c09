"""A real Prometheus over a database that was filled before it started."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tocsin.adapters.embedded import MOST_SAMPLES, embedded


@contextmanager
def backfilled(folder: Path, text: str, max_samples: int = MOST_SAMPLES) -> Iterator[str]:
    """The URL of a Prometheus on a free port, over a database made of *text*, which is left in *folder*."""
    samples = folder / "samples.txt"
    samples.write_text(text, encoding="utf-8")
    with embedded(samples, max_samples=max_samples) as running:
        yield running.url

"""A Prometheus that is asked about itself, by `tocsin check --prometheus`: metrics, labels, types, cost of queries."""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tocsin.adapters.prometheus_http import PrometheusSource, content
from tocsin.errors import SourceError, SourceUnreachableError


class PrometheusLive(PrometheusSource):
    """A LiveSource; *deadline* is for one question, *total* for all of them, in seconds."""

    def __init__(self, url: str, deadline: float = 10.0, total: float = 60.0) -> None:
        super().__init__(url, deadline)
        self._total = total
        self._end = time.monotonic() + total

    def samples(self, query: str, at: datetime) -> int:
        """How many samples the server reads, as it counts them itself."""
        data = self._data("query", {"query": query, "time": f"{at.timestamp():.3f}", "stats": "all"}, "POST")
        try:
            return int(data["stats"]["samples"]["totalQueryableSamples"])
        except (KeyError, TypeError, ValueError):
            raise SourceError("does not count the samples of a query") from None

    def names(self) -> tuple[str, ...]:
        """The metrics that it has."""
        return self._texts("label/__name__/values", {})

    def labels(self, metric: str) -> tuple[str, ...]:
        """The labels of the series of *metric*."""
        return tuple(name for name in self._texts("labels", {"match[]": metric}) if name != "__name__")

    def types(self) -> Mapping[str, frozenset[str]]:
        """What targets say of the type of each metric."""
        data = self._data("metadata", {})
        try:
            return {str(name): frozenset(str(entry["type"]) for entry in entries) for name, entries in data.items()}
        except (AttributeError, KeyError, TypeError):
            raise SourceError("answers with malformed metadata") from None

    def _texts(self, path: str, form: Mapping[str, str]) -> tuple[str, ...]:
        data = self._data(path, form)
        if not isinstance(data, list):
            raise SourceError("answers with a malformed list")
        return tuple(str(text) for text in data)

    def _data(self, path: str, form: Mapping[str, str], method: str = "GET") -> Any:
        return content(*self._exchange(path, form, self.deadline, method)).get("data")

    def _exchange(
        self, path: str, data: Mapping[str, str], limit: float, method: str = "POST"
    ) -> tuple[int, str, bytes]:
        left = self._end - time.monotonic()
        if left <= 0:
            raise SourceUnreachableError(f"took more than {self._total:g} s for all questions")
        return super()._exchange(path, data, min(limit, left), method)

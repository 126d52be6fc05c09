"""A Prometheus-compatible server over its HTTP API, through prometheus-api-client.

The library's defaults hurt an evaluator (no deadline, three hidden retries, query text in the URL, warnings and
partial answers dropped), so every question goes through one `_query` that

- posts the query as a form, once: a failed look is a fact to be told, not to be hidden by a retry;
- has one deadline for everything, also for a server that drips a byte at a time, and tells it to the server;
- reads at most *max_bytes*, refuses redirects (a login page is no answer) and anything that is not the API's JSON;
- always names the instant, and hands warnings and `isPartial` on; with a *clock*, a server whose own differs by more
  than `CLOCKS_APART` has not answered, for what was asked was not of its present;
- means the same to every server (`tocsin.adapters.metricsql`).

Every failure is a SourceError with a short text; SourceUnreachableError says that other questions would fail too.
Only the resolver of host names may block longer than the deadline.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPException, responses
from typing import Any

import orjson
import requests
import urllib3
from prometheus_api_client import PrometheusConnect

from tocsin.adapters.forms import form
from tocsin.adapters.http_deadline import Guard, deadline, guarded
from tocsin.adapters.http_faults import CONNECT, short, why
from tocsin.adapters.metricsql import Dialect
from tocsin.errors import MisuseError, QuestionTooLongError, SourceError, SourceUnreachableError
from tocsin.evaluate.words import span
from tocsin.ports import Answer, Clock, RangeAnswer, RangeRow, Row, labels_of
from tocsin.promql import over
from tocsin.settings import is_http_url, without_password

MAX_POINTS = 10_000
"""Prometheus refuses a range query with more than 11,000 points for one series."""
STRETCH = timedelta(hours=6)
"""Raw samples of one request: 1,440 for each series that is scraped each 15 s, some 40 kilobytes."""
CLOCKS_APART = timedelta(minutes=2)
"""A window of five minutes then still has more than half of its samples."""
LEAST_STRETCH = 60_000
"""Milliseconds of samples that are not asked for in halves any more."""
_TOO_MUCH = ("answer too large", "too many samples")
CHUNK = 2**16
ABORTED = "is not asked any more, for the process stops"
AS_ASKED = {"nocache": "1"}
"""Without it VictoriaMetrics looks thirty seconds earlier than it is asked to, and moves the steps of long ranges onto
multiples of their distance; a Prometheus does not read it."""
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_ITS_OWN_FAULT = frozenset({"bad_data", "execution", "timeout", "canceled", "too_many_requests"})
"""Error types that tell of this query, not of the server."""
_REFUSED = frozenset({400, 422})
_TOO_LONG = "too long query"
"""As VictoriaMetrics says it."""
"""Statuses that do, where a server tells no type."""


@dataclass(frozen=True, slots=True)
class _Reply:
    """What the API said."""

    kind: str
    result: Any
    warnings: tuple[str, ...]
    partial: bool


class PrometheusSource(PrometheusConnect):  # type: ignore[misc]  # the library carries no types
    """A MetricSource; safe to use from several threads, to be closed after use.

    *deadline* is for one question in all, in seconds; *headers* are sent along (`Authorization`, `X-Scope-OrgID`).
    """

    def __init__(
        self,
        url: str,
        deadline: float = 5.0,
        max_bytes: int = 32 * 2**20,
        headers: Mapping[str, str] | None = None,
        *,
        connections: int = 8,
        clock: Clock | None = None,
    ) -> None:
        if not is_http_url(url):
            message = f"{without_password(url)!r} is not the URL of a metric source"
            raise MisuseError(message, hint="write http://HOST:PORT")
        super().__init__(url=url.rstrip("/"), headers=dict(headers or {}), timeout=deadline)
        self.deadline = deadline
        self.max_bytes = max_bytes
        self._guards: set[Guard] = set()
        self._aborted = False
        self._dialect = Dialect()
        self._clock = clock
        self._lock = threading.Lock()
        guarded(self._session, self.url, connections)

    def instant(self, query: str, at: datetime) -> Answer:
        """Evaluate *query* at exactly *at*."""
        reply = self._query("query", {"query": query, "time": _seconds(at)})
        return Answer(_rows(reply), at, reply.partial, reply.warnings)

    def range(self, query: str, start: datetime, end: datetime, step: timedelta) -> RangeAnswer:
        """Evaluate *query* from *start* to *end*, in as many requests as the server's limit of points needs."""
        points: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = {}
        warnings: dict[str, None] = {}
        partial = False
        for first, last in _slices(start, end, step):
            form = {
                "query": query,
                "start": _seconds(first),
                "end": _seconds(last),
                "step": f"{step.total_seconds():g}",
            }
            reply = self._query("query_range", form)
            partial = partial or reply.partial
            warnings |= dict.fromkeys(reply.warnings)
            for row in _range_rows(reply):
                points.setdefault(row.labels, []).extend(row.points)
        return RangeAnswer(tuple(RangeRow(k, tuple(v)) for k, v in points.items()), partial, tuple(warnings))

    def raw(self, selector: str, start: datetime, end: datetime) -> RangeAnswer:
        """Read samples as they were scraped, later than *start* and no later than *end*.

        An instant query of a range gives them. What is too much for one answer is asked for in halves.
        """
        points: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = {}
        warnings: dict[str, None] = {}
        partial = False
        waiting = _stretches(start, end)
        while waiting:
            first, last = waiting.pop()
            length = (last - first) // timedelta(milliseconds=1)
            form = {"query": over(selector, f"{max(length, 1)}ms"), "time": _seconds(last)}
            try:
                reply = self._query("query", form)
            except SourceUnreachableError:
                raise
            except SourceError as error:
                if not any(words in str(error) for words in _TOO_MUCH) or length <= LEAST_STRETCH:
                    raise
                middle = first + timedelta(milliseconds=length // 2)
                waiting += [(middle, last), (first, middle)]
                continue
            partial = partial or reply.partial
            warnings |= dict.fromkeys(reply.warnings)
            lower, upper = first.timestamp(), last.timestamp()
            for row in _range_rows(reply):
                if found := [point for point in row.points if lower < point[0] <= upper]:
                    points.setdefault(row.labels, []).extend(found)
        return RangeAnswer(tuple(RangeRow(k, tuple(v)) for k, v in points.items()), partial, tuple(warnings))

    def abort(self) -> None:
        """Break off every question under way and refuse all others; only connecting may still take CONNECT seconds."""
        with self._lock:
            self._aborted = True
            for guard in self._guards:
                guard.cut()

    @contextmanager
    def _abortable(self, guard: Guard) -> Iterator[None]:
        with self._lock:
            if self._aborted:
                raise SourceUnreachableError(ABORTED)
            self._guards.add(guard)
        try:
            yield
        finally:
            with self._lock:
                self._guards.discard(guard)

    def custom_query(self, query: str, params: dict[str, Any] | None = None, timeout: float | None = None) -> Any:
        """Do as the library's method, on the one safe path."""
        return self._query("query", {"query": query, **(params or {})}, timeout).result

    def custom_query_range(  # noqa: PLR0917 - the library's signature
        self,
        query: str,
        start_time: datetime,
        end_time: datetime,
        step: str,
        params: dict[str, Any] | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Do as the library's method, on the one safe path."""
        form = {
            "query": query,
            "start": _seconds(start_time),
            "end": _seconds(end_time),
            "step": step,
            **(params or {}),
        }
        return self._query("query_range", form, timeout).result

    def _query(self, path: str, form: Mapping[str, str], timeout: float | None = None) -> _Reply:
        """Ask once."""
        limit = self.deadline if timeout is None else timeout
        # The server gives up a little earlier, so that its own words about a slow query arrive.
        limits = {"timeout": f"{max(round(limit * 900), 100)}ms", **AS_ASKED}

        def asked(path: str, form: Mapping[str, str]) -> _Reply:
            return _understand(*self._exchange(path, {**form, **limits}, limit))

        return asked(path, self._dialect.form(form, lambda about: _rows(asked("query", about))))

    def _exchange(
        self, path: str, data: Mapping[str, str], limit: float, method: str = "POST"
    ) -> tuple[int, str, bytes]:
        """Status, content type and body of one answer; this is the only way out."""
        with deadline(limit) as guard, self._abortable(guard):
            try:
                status, kind, body = self._send(method, f"{self.url}/api/v1/{path}", data, limit)
            except SourceError:
                raise
            except (requests.RequestException, urllib3.exceptions.HTTPError, HTTPException, OSError) as error:
                if self._aborted:
                    raise SourceUnreachableError(ABORTED) from None
                raise SourceUnreachableError(why(error, guard, limit)) from None
            if self._aborted:
                raise SourceUnreachableError(ABORTED)
            if guard.expired:
                # To http.client a connection closed amid the headers is an empty answer.
                raise SourceUnreachableError(why(TimeoutError(), guard, limit))
        return status, kind, body

    def _send(self, method: str, url: str, data: Mapping[str, str], limit: float) -> tuple[int, str, bytes]:
        response = self._session.request(
            method,
            url,
            data=form(data) if method == "POST" else None,
            params=None if method == "POST" else data,
            headers={**self.headers, **_FORM} if method == "POST" else self.headers,
            auth=self.auth,
            timeout=(min(CONNECT, limit), limit),
            allow_redirects=False,
            stream=True,
        )
        try:
            if self._clock is not None:
                _refuse_skew(response.headers.get("Date", ""), self._clock.now())
            if response.is_redirect or 300 <= response.status_code < 400:
                raise SourceUnreachableError(f"redirects (HTTP {response.status_code}), which is refused")
            body = bytearray()
            while chunk := response.raw.read1(CHUNK, decode_content=True):
                body += chunk
                if len(body) > self.max_bytes:
                    raise SourceError(f"answer too large: more than {self.max_bytes} bytes")
            return response.status_code, response.headers.get("Content-Type", ""), bytes(body)
        finally:
            response.close()


# --- what the answer says ----------------------------------------------------------------------------------


def _understand(status: int, kind: str, body: bytes) -> _Reply:
    reply = content(status, kind, body)
    data = reply.get("data")
    if not isinstance(data, dict) or "resultType" not in data or "result" not in data:
        raise SourceError("answers with success, but without a result")
    warnings = tuple(short(str(text)) for text in reply.get("warnings") or ())
    # PromQL's own remarks (since 2.49) are about the query; any other warning says that a part of the data is missing.
    partial = bool(reply.get("isPartial")) or any(not text.startswith("PromQL ") for text in warnings)
    return _Reply(str(data["resultType"]), data["result"], warnings, partial)


def content(status: int, kind: str, body: bytes) -> dict[str, Any]:
    """The API's object, if it says success."""
    try:
        reply = orjson.loads(body)
    except orjson.JSONDecodeError:
        reply = None
    if not isinstance(reply, dict) or "status" not in reply:
        if status != 200:
            raise SourceUnreachableError(_status(status))
        what = kind.partition(";")[0].strip() or "unknown type"
        raise SourceUnreachableError(f"answers with {what} instead of the API's JSON; is a login page in between?")
    if status != 200 or reply["status"] != "success":
        text = short(f"{reply.get('errorType', 'error')}: {reply.get('error', '')}")
        if _its_own_fault(reply.get("errorType"), status):
            said = f"{_status(status)}: {text}" if status != 200 else text
            raise QuestionTooLongError(said) if _TOO_LONG in text else SourceError(said)
        raise SourceUnreachableError(f"{_status(status)}: {text}")
    return reply


def _its_own_fault(kind: object, status: int) -> bool:
    """Whether an error tells of this query; VictoriaMetrics gives the status again in the place of a type."""
    if kind == str(status):
        return status in _REFUSED
    return kind in _ITS_OWN_FAULT and status not in {401, 403, 404}


def _rows(reply: _Reply) -> tuple[Row, ...]:
    try:
        if reply.kind == "scalar":
            return (Row((), float(reply.result[1])),)
        if reply.kind != "vector":
            raise SourceError(f"the query gives a {reply.kind}, not one value per series")
        rows = []
        for row in reply.result:
            _refuse_histogram(row, "histogram")
            rows.append(Row(labels_of(row["metric"]), float(row["value"][1])))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise SourceError(f"answers with a malformed result ({type(error).__name__})") from None
    return tuple(rows)


def _range_rows(reply: _Reply) -> Iterator[RangeRow]:
    if reply.kind != "matrix":
        raise SourceError(f"the query gives a {reply.kind}, not a series over time")
    try:
        for row in reply.result:
            _refuse_histogram(row, "histograms")
            yield RangeRow(labels_of(row["metric"]), tuple((float(t), float(v)) for t, v in row["values"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SourceError(f"answers with a malformed result ({type(error).__name__})") from None


def _refuse_histogram(row: Mapping[str, Any], key: str) -> None:
    if key in row:
        raise SourceError("the query gives native histograms; compare a quantile, a count or a fraction of them")


def _status(status: int) -> str:
    return f"HTTP {status} {responses.get(status, '')}".strip()


# --- time --------------------------------------------------------------------------------------------------


def _refuse_skew(header: str, now: datetime) -> None:
    try:
        there = parsedate_to_datetime(header)
    except ValueError:  # none, or not one of its own
        return
    apart = there - now if there.tzinfo is not None else timedelta()
    if abs(apart) > CLOCKS_APART:
        how = "ahead of" if apart > timedelta() else "behind"
        raise SourceUnreachableError(f"its clock is {span(abs(apart))} {how} ours: set the one that is wrong")


def _seconds(at: datetime) -> str:
    return f"{at.timestamp():.3f}"


def _slices(start: datetime, end: datetime, step: timedelta) -> Iterator[tuple[datetime, datetime]]:
    while start <= end:
        last = min(end, start + step * (MAX_POINTS - 1))
        yield start, last
        start += step * MAX_POINTS


def _stretches(start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """Consecutive stretches (start, end] of at most STRETCH, the first of them last."""
    stretches = []
    while start < end:
        last = min(end, start + STRETCH)
        stretches.append((start, last))
        start = last
    return stretches[::-1]

"""The Prometheus adapter against a server that misbehaves for real: hangs, drips, resets, lies."""

import math
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs

import orjson
import pytest
from tests.fakes import HandClock

from tocsin.adapters import metricsql
from tocsin.adapters.prometheus_http import MAX_POINTS, PrometheusSource
from tocsin.errors import MisuseError, SourceError, SourceUnreachableError
from tocsin.ports import Row

AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
Script = Callable[[socket.socket, "Request"], None]


class Request:
    """What the client sent."""

    def __init__(self, head: str, body: str) -> None:
        self.line, _, headers = head.partition("\r\n")
        self.headers = headers.lower()
        self.form = {k: v[0] for k, v in parse_qs(body).items()}


class Server:
    """Plays one script for every request."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[Request] = []
        self.closing = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.threads: list[threading.Thread] = []
        self.open: list[socket.socket] = []
        self._spawn(self._accept)

    def _spawn(self, act: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=act, args=args, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(connection)
            self._spawn(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while not self.closing.is_set():
                data = b""
                while b"\r\n\r\n" not in data:
                    chunk = connection.recv(65536)
                    if not chunk:
                        return
                    data += chunk
                head, _, body = data.partition(b"\r\n\r\n")
                text = head.decode()
                length = int(text.lower().partition("content-length: ")[2].partition("\r\n")[0] or 0)
                while len(body) < length:
                    body += connection.recv(65536)
                request = Request(text, body.decode())
                self.requests.append(request)
                self.script(connection, request)

    def close(self) -> None:
        """Stop listening and wait for the scripts to end."""
        self.closing.set()
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(timeout=5)


def answer(body: bytes | object, status: str = "200 OK", kind: str = "application/json", more: str = "") -> Script:
    """Answer properly."""
    payload = body if isinstance(body, bytes) else orjson.dumps(body)
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(payload)}\r\n{more}\r\n"
    return lambda connection, _: connection.sendall(head.encode() + payload)


def success(kind: str, result: object, **more: object) -> dict[str, object]:
    """Wrap a result as the API does."""
    return {"status": "success", "data": {"resultType": kind, "result": result}, **more}


@contextmanager
def asking(script: Script, deadline: float = 0.6, max_bytes: int = 10_000) -> Iterator[tuple[PrometheusSource, Server]]:
    """Point a source at a server that plays *script*."""
    server = Server(script)
    source = PrometheusSource(server.url, deadline=deadline, max_bytes=max_bytes)
    try:
        yield source, server
    finally:
        source.close()
        server.close()


def failure(script: Script, **settings: float) -> tuple[SourceError, float, int]:
    """Ask once; return the error, how long it took and how many requests were made."""
    with asking(script, **settings) as (source, server):  # type: ignore[arg-type]
        start = time.monotonic()
        with pytest.raises(SourceError) as caught:
            source.instant("up", AT)
        return caught.value, time.monotonic() - start, len(server.requests)


def hang(connection: socket.socket, _: Request) -> None:
    """Say nothing until the client goes away."""
    connection.recv(1)


def drip(connection: socket.socket, _: Request) -> None:
    """Send a byte every 50 ms, for ever; each of them resets the socket's own time-out."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"1\r\n \r\n")
        time.sleep(0.05)


def drip_headers(connection: socket.socket, _: Request) -> None:
    """Never come to the end of the headers."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        connection.sendall(b"a")
        time.sleep(0.05)


def reset(connection: socket.socket, _: Request) -> None:
    """Break off with a RST in the middle of the answer."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
    time.sleep(0.05)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def cut(connection: socket.socket, _: Request) -> None:
    """Close before the announced length."""
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"status":"success"')
    connection.close()


class TestQuestions:
    """What is sent."""

    def test_query_is_a_form(self) -> None:
        """The query travels in the body, however long it is, with the instant and the server's own deadline."""
        query = "sum(" + "up + " * 200_000 + "up)"
        with asking(answer(success("vector", [])), deadline=10) as (source, server):
            source.instant(query, AT + timedelta(milliseconds=250))

        request = server.requests[0]
        assert request.line == "POST /api/v1/query HTTP/1.1"
        assert request.form == {"query": query, "time": "1793534400.250", "timeout": "9000ms", "nocache": "1"}

    def test_headers_go_along(self) -> None:
        """Tokens and tenants are headers."""
        with asking(answer(success("vector", []))) as (source, server):
            source.headers = {"X-Scope-OrgID": "7"}
            source.instant("up", AT)

        assert "x-scope-orgid: 7" in server.requests[0].headers

    def test_long_ranges_are_cut(self) -> None:
        """Prometheus refuses more than 11,000 points, so a long range is asked in pieces and put together again."""

        def grid(connection: socket.socket, request: Request) -> None:
            start, end, step = (float(request.form[k]) for k in ("start", "end", "step"))
            count = int((end - start) / step) + 1
            values = [[start + i * step, "1"] for i in range(count)]
            answer(success("matrix", [{"metric": {"a": "b"}, "values": values}]))(connection, request)

        with asking(grid, deadline=5, max_bytes=10_000_000) as (source, server):
            rows = source.range("up", AT, AT + timedelta(seconds=5 * 25_000), timedelta(seconds=5)).rows

        times = [t for t, _ in rows[0].points]
        assert [AT.timestamp() + 5 * i for i in range(25_001)] == times
        assert len(server.requests) == -(-25_001 // MAX_POINTS)

    def test_library_methods_take_the_same_way(self) -> None:
        """No method of the library may reach the server without a deadline."""
        with asking(answer(success("vector", []))) as (source, server):
            source.custom_query("up")
            source.custom_query_range("up", AT, AT, "5s")

        assert [request.form["timeout"] for request in server.requests] == ["540ms", "540ms"]


class TestDialects:
    """Queries mean the same to every server."""

    QUERY = 'sum_over_time((x > bool 1)[6h:]) + y{a="[5m:]"}'

    @staticmethod
    def of(samples: int) -> Script:
        """A server that has so many samples in a subquery of its own."""
        return answer(success("vector", [{"metric": {}, "value": [1, str(samples)]}]))

    def test_a_prometheus_reads_what_was_written(self) -> None:
        """Its evaluation interval is the step; it is asked once which it is."""
        with asking(self.of(1)) as (source, server):
            source.instant(self.QUERY, AT)
            source.instant(self.QUERY, AT)

        queries = [request.form["query"] for request in server.requests]
        assert queries == ["count_over_time(vector(1)[10s:])", self.QUERY, self.QUERY]

    def test_who_takes_the_step_of_the_question_is_told_another(self) -> None:
        """As VictoriaMetrics does; in a range that would be the distance of its points."""
        with asking(self.of(100)) as (source, server):
            source.instant(self.QUERY, AT)

        assert [request.form.get("step") for request in server.requests] == ["100ms", None]
        assert server.requests[1].form["query"] == 'sum_over_time((x > bool 1)[6h:1m]) + y{a="[5m:]"}'

    @pytest.mark.parametrize(
        ("text", "written"),
        [
            (
                "sum(rate(x[1h] offset 5m))",
                "sum((rate(x[1h] offset 5m) * clamp_max((lifetime(x[1h] offset 5m) + 60) / 3600, 1)))",
            ),
            (
                'rate(x{a="]["}[59999ms])',
                '(rate(x{a="]["}[59999ms]) * clamp_max((lifetime(x{a="]["}[59999ms]) + 60) / 59.999, 1))',
            ),
            *(
                (same, same)
                for same in (
                    "irate(x[5m])",
                    "rate((x + y)[5m:1m])",
                    "job:rate(x)",
                    "rate(x[5i])",
                    '{a="rate(x[5m])"} # rate(x[5m])',
                )
            ),
        ],
    )
    def test_rates(self, text: str, written: str) -> None:
        """The rate of a series that was not there all the time is made one of the window; nothing else is touched."""
        with asking(self.of(100)) as (source, server):
            source.instant(text, AT)

        assert server.requests[-1].form["query"] == written

    def test_nobody_is_asked_in_vain(self) -> None:
        """A query that all servers read alike needs no answer to that."""
        with asking(self.of(100)) as (source, server):
            source.instant("sum_over_time(x[5m:1m])", AT)

        assert len(server.requests) == 1

    def test_who_cannot_be_told_is_not_asked(self) -> None:
        """A wrong guess would be a wrong answer; the next question asks again."""
        with asking(answer({"status": "error", "errorType": "execution", "error": "busy"}, "422 No")) as (
            source,
            server,
        ):
            for _ in range(2):
                with pytest.raises(SourceError, match="busy"):
                    source.instant(self.QUERY, AT)

        assert {request.form["query"] for request in server.requests} == {"count_over_time(vector(1)[10s:])"}

    def test_who_knows_no_subqueries_is_asked_as_it_was_written(self) -> None:
        """Nothing else of it depends on them."""
        unread = answer({"status": "error", "errorType": "bad_data", "error": "no subqueries here"}, "400 Bad Request")
        rows = answer(success("vector", [{"metric": {}, "value": [1, "2"]}]))

        def script(connection: socket.socket, request: Request) -> None:
            (unread if ":]" in request.form["query"] else rows)(connection, request)

        with asking(script) as (source, _):
            assert source.instant("rate(x[5m])", AT).rows == (Row((), 2.0),)

    def test_another_server_at_the_same_address(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is told within minutes."""
        now = [0.0]
        monkeypatch.setattr(metricsql, "monotonic", lambda: now[0])
        with asking(self.of(1)) as (source, server):
            source.instant(self.QUERY, AT)
            server.script = self.of(100)
            now[0] = metricsql.KNOWN + 1
            source.instant(self.QUERY, AT)

        assert "[6h:1m]" in server.requests[-1].form["query"]


class TestAnswers:
    """What is understood."""

    def test_values(self) -> None:
        """NaN and infinities are values."""
        result = [
            {"metric": {"i": str(i)}, "value": [1, text]} for i, text in enumerate(["1.5", "NaN", "+Inf", "-Inf"])
        ]
        with asking(answer(success("vector", result))) as (source, _):
            values = [row.value for row in source.instant("x", AT).rows]

        assert values[0] == 1.5
        assert math.isnan(values[1])
        assert [math.inf, -math.inf] == values[2:]

    def test_scalar(self) -> None:
        """A scalar is one row without labels, not a vector of two."""
        with asking(answer(success("scalar", [1, "4"]))) as (source, _):
            rows = source.instant("4", AT).rows

        assert (Row((), 4.0),) == rows

    @pytest.mark.parametrize(
        ("more", "partial"),
        [
            ({}, False),
            ({"isPartial": True}, True),
            ({"warnings": ["store 3 did not answer"]}, True),
            ({"warnings": ['PromQL warning: bucket label "le" is missing']}, False),
            ({"infos": ["PromQL info: metric might not be a counter"]}, False),
        ],
    )
    def test_partial(self, more: dict[str, object], partial: bool) -> None:
        """A warning of the storage makes an answer partial; a remark on the query does not."""
        with asking(answer(success("vector", [], **more))) as (source, _):
            got = source.instant("up", AT)

        assert partial == got.partial


@pytest.mark.parametrize(
    ("script", "words", "kind"),
    [
        (hang, "timed out after 0.6 s", SourceUnreachableError),
        (drip, "timed out after 0.6 s", SourceUnreachableError),
        (drip_headers, "timed out after 0.6 s", SourceUnreachableError),
        (reset, "connection reset", SourceUnreachableError),
        (cut, "connection closed in the middle of the answer", SourceUnreachableError),
        (
            answer(b"overloaded", "503 Service Unavailable", "text/plain"),
            "HTTP 503 Service Unavailable",
            SourceUnreachableError,
        ),
        (
            answer(b"<html>login</html>", kind="text/html; charset=utf-8"),
            "text/html instead of",
            SourceUnreachableError,
        ),
        (
            answer(b"", "302 Found", more="Location: http://127.0.0.1:1/\r\n"),
            "redirects (HTTP 302)",
            SourceUnreachableError,
        ),
        (
            answer(b"", "307 X", more="Location: http://127.0.0.1:1/\r\n"),
            "redirects (HTTP 307)",
            SourceUnreachableError,
        ),
        (answer(b'"' + b"x" * 20_000 + b'"'), "answer too large: more than 10000 bytes", SourceError),
        (answer({}), "instead of the API's JSON", SourceUnreachableError),
        (answer({"status": "success"}), "without a result", SourceError),
        (answer(success("vector", [{"metric": {}, "histogram": [1, {}]}])), "native histograms", SourceError),
        (answer(success("vector", [{"metric": {}}])), "malformed result", SourceError),
        (answer(success("vector", [{"metric": {}, "value": [1, "abc"]}])), "malformed result", SourceError),
        (answer(success("matrix", [])), "gives a matrix", SourceError),
        (answer(success("string", [1, "a"])), "gives a string", SourceError),
        (
            answer(
                {"status": "error", "errorType": "execution", "error": "many-to-many\nmatching"},
                "422 Unprocessable Entity",
            ),
            "execution: many-to-many matching",
            SourceError,
        ),
        (
            answer({"status": "error", "errorType": "timeout", "error": "query timed out"}, "503 Service Unavailable"),
            "timeout: query timed out",
            SourceError,
        ),
        (answer({"status": "error", "errorType": "bad_data", "error": "x"}), "bad_data: x", SourceError),
        (
            answer({"status": "error", "errorType": "internal", "error": "tsdb"}, "500 X"),
            "internal: tsdb",
            SourceUnreachableError,
        ),
    ],
)
def test_faults(script: Script, words: str, kind: type[SourceError]) -> None:
    """Each fault is one short SourceError, at once or at the deadline, after a single request."""
    error, seconds, requests = failure(script)

    assert words in str(error)
    assert kind is type(error)
    assert seconds < 4
    assert requests == 1
    assert len(str(error)) < 400


def test_refused() -> None:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    source = PrometheusSource(f"http://127.0.0.1:{port}")
    try:
        with pytest.raises(SourceUnreachableError) as caught:
            source.instant("up", AT)
    finally:
        source.close()

    assert str(caught.value) == "connection refused"


def test_works_again_after_a_fault() -> None:
    """A connection that was cut at the deadline is not used again."""
    turns = iter([hang, answer(success("vector", [{"metric": {}, "value": [1, "1"]}]))])

    def play(connection: socket.socket, request: Request) -> None:
        next(turns)(connection, request)

    with asking(play) as (source, _):
        with pytest.raises(SourceUnreachableError):
            source.instant("up", AT)
        rows = source.instant("up", AT).rows

    assert (Row((), 1.0),) == rows


def test_threads() -> None:
    """Many threads may ask through one source; each gets its own answer."""

    def echo(connection: socket.socket, request: Request) -> None:
        value = request.form["query"]
        answer(success("vector", [{"metric": {}, "value": [1, value]}]))(connection, request)

    got: dict[int, float] = {}
    with asking(echo, deadline=10) as (source, _):
        threads = [
            threading.Thread(target=lambda i=i: got.update({i: source.instant(str(i), AT).rows[0].value}))
            for i in range(24)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert {i: float(i) for i in range(24)} == got


@pytest.mark.parametrize("url", ["127.0.0.1:9090", "ftp://x", "http://", "", "http://[::1", "http://x:port"])
def test_bad_url(url: str) -> None:
    """A URL that cannot be one is misuse, found before the first question."""
    with pytest.raises(MisuseError):
        PrometheusSource(url)


@pytest.mark.parametrize("url", ["ftp://u:hunter2@x", "u:hunter2@x:9090", "http://[u:hunter2@x", "http:/u:hunter2@x"])
def test_bad_url_is_told_without_its_password(url: str) -> None:
    """Messages end up in logs and tickets."""
    with pytest.raises(MisuseError) as caught:
        PrometheusSource(url)

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("script", [hang, drip, drip_headers], ids=["hang", "drip", "drip-headers"])
def test_abort(script: Script) -> None:
    """What is under way ends at once, and nothing is asked any more."""
    said: list[str] = []

    def ask() -> None:
        try:
            source.instant("up", AT)
        except SourceUnreachableError as error:
            said.append(str(error))

    with asking(script, deadline=20) as (source, server):
        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        begun = time.monotonic()
        while len(server.requests) < 3 and time.monotonic() < begun + 10:
            time.sleep(0.01)
        begun = time.monotonic()
        source.abort()
        for thread in threads:
            thread.join(15)
        seconds = time.monotonic() - begun
        ask()

    assert said == ["is not asked any more, for the process stops"] * 4
    assert len(server.requests) == 3
    assert seconds < 5


@pytest.mark.parametrize(("minutes", "said"), [(-60, "1h behind ours"), (60, "1h ahead of ours")])
def test_a_server_with_another_clock_has_not_answered(minutes: int, said: str) -> None:
    """It was not asked about its present: an empty answer says nothing, nor does one of an hour ago."""
    date = format_datetime(AT + timedelta(minutes=minutes), usegmt=True)
    server = Server(answer(success("vector", []), more=f"Date: {date}\r\n"))
    source = PrometheusSource(server.url, clock=HandClock(AT))
    with closing(server), closing(source), pytest.raises(SourceUnreachableError, match=said):
        source.instant("up", AT)


@pytest.mark.parametrize("date", ["", "yesterday", "Sun, 01 Nov 2026 12:01:30 GMT"])
def test_a_clock_that_nearly_agrees_or_is_not_told_is_no_reason(date: str) -> None:
    """A proxy may leave the header out; and without a clock of ours nobody compares."""
    server = Server(answer(success("vector", []), more=f"Date: {date}\r\n" if date else ""))
    with closing(server), closing(PrometheusSource(server.url, clock=HandClock(AT))) as source:
        assert source.instant("up", AT).rows == ()

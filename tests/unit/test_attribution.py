"""Who spent a budget: arithmetic, the API, and the page of an objective."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.fakes import FakeSource
from tests.sites import Site, standing
from tests.snapshots import NOW

from tocsin.errors import SourceError
from tocsin.evaluate.asking import MARK, Asker
from tocsin.evaluate.attribution import Part, ask, attribute, told
from tocsin.ports import Answer, Labels, RangeAnswer, RangeRow, Row, labels_of
from tocsin.sli import RatioSli
from tocsin.units import Duration

HOUR = Duration.of(hours=1)
PATH = "/api/v1/slos/be-camera/uptime/attribution"
COUNTS = {"/a": (90.0, 100.0), "/b": (6.0, 400.0), "": (3.0, 10.0), "/<b>": (1.0, 90.0), "/d": (0.0, 400.0)}
BAD, ALL = ({value: both[place] for value, both in COUNTS.items()} for place in (0, 1))


def looks(labels: Mapping[str, str], count: float) -> list[tuple[Labels, float]]:
    """How a source tells of a series that was there before, and counted so many events."""
    marks = {"before": 40.0, "last": 40.0 + count, "least": 40.0, "most": 40.0 + count}
    return [(labels_of({**labels, MARK: mark}), value) for mark, value in marks.items()]


def rows(query: str) -> tuple[Row, ...]:
    """All events, for which slopes are asked; or bad ones."""
    wanted = ALL if "deriv(" in query else {value: count for value, count in BAD.items() if count}
    labels = {value: {"job": "shop", **({"route": value} if value else {})} for value in wanted}
    return tuple(Row(*one) for value, count in wanted.items() for one in looks(labels[value], count))


def test_parts_are_the_whole() -> None:
    """The first ones by bad events, series without the label among them; then all others as one."""
    one = attribute("route", BAD, ALL, 3)

    assert one is not None
    assert [part.value for part in one.first] == ["/a", "/b", ""]
    assert one.rest == Part("", 1, 490, 2)
    assert (one.bad, one.total) == (100, 1_000)


def test_nothing_to_attribute() -> None:
    """Without bad events, and where no series has the label, there is no answer."""
    assert attribute("route", {}, ALL, 3) is None
    assert attribute("pod", {"": 3.0}, {"": 5.0}, 3) is None


def test_a_bad_event_is_an_event() -> None:
    """Also where bad events are counted by somebody else than all of them."""
    one = attribute("route", {"/a": 7.0, "/b": -1.0}, {"/b": 5.0}, 3)

    assert one is not None
    assert one.parts == (Part("/a", 7.0, 7.0), Part("", 0.0, 5.0))


def test_one_value_for_all_tells_nothing() -> None:
    """A job that has all errors has all traffic, too."""
    one = attribute("job", {"a": 5.0}, {"a": 5.0}, 3)

    assert one is not None
    assert list(told([one])) == []


@pytest.mark.parametrize(("more", "labels"), [({}, ["route"]), ({"503": 40.0}, ["code", "route"])])
def test_what_makes_an_event_bad_explains_nothing(more: dict[str, float], labels: list[str]) -> None:
    """That all errors have the one status of errors is no news; which of two may be. A pinned label is not asked."""
    codes = {"500": 60.0, **more}
    routes = {"/a": 5 / 6, "/b": 1 / 6}

    class Source(FakeSource):
        """Answers by series, and by what it is asked for."""

        def instant(self, query: str, at: datetime) -> Answer:
            counts = {(route, "200", "info"): 500.0 for route in routes} if "deriv(" in query else {}
            counts |= {(r, c, "error"): share * count for r, share in routes.items() for c, count in codes.items()}
            found = [
                Row(*one)
                for values, count in counts.items()
                for one in looks(dict(zip(("route", "code", "level"), values, strict=True)), count)
            ]
            return Answer(tuple(found), at)

    sli = RatioSli('a{job="x"}', 'a{job="x",code=~"5..",level="error"}')
    found = ask(Asker(Source(), NOW), sli, HOUR, most=3)

    assert isinstance(found, tuple)
    assert sorted(one.label for one in found) == labels


@pytest.mark.parametrize("good", [False, True])
@pytest.mark.parametrize(
    ("window", "expected"),
    [("6h", ["0s"]), ("7h", ["0s", "1d3h55m 3h25m 3h30m"]), ("30d", ["0s", "30d17h55m 5h55m 6h"])],
)
def test_questions_are_few(window: str, expected: list[str], *, good: bool) -> None:
    """Two for each selector, however long the range is: the newest chunk, and all that are older."""
    asked: list[tuple[str, str]] = []

    class Source(FakeSource):
        """A group of twenty routes; it says when it was asked."""

        def instant(self, query: str, at: datetime) -> Answer:
            asked.append((query, str(_ago(at))))
            count = 3.0 if "deriv(" in query else 1.0
            return Answer(tuple(Row(*one) for n in range(20) for one in looks({"route": f"/{n}"}, count)), at)

        def range(self, query: str, start: datetime, end: datetime, step: timedelta) -> RangeAnswer:
            asked.append((query, " ".join(str(each) for each in (_ago(start), _ago(end), _length(step)))))
            points = (((end - step).timestamp(), 40.0), (end.timestamp(), 49.0))
            marks = ({"route": "/0", MARK: mark} for mark in ("last", "least", "most"))
            return RangeAnswer(tuple(RangeRow(labels_of(each), points) for each in marks))

    part = 'y{job="x"}'
    sli = RatioSli('x{job="x"}', good_events=part) if good else RatioSli('x{job="x"}', bad_events=part)
    found = ask(Asker(Source(), NOW), sli, Duration.parse(window), most=20)

    assert isinstance(found, tuple)
    assert [when for _, when in asked] == expected * 2
    assert all(text.count("offset 5m") == 0 for text, when in asked if when == "0s")
    more = 9.0 * (len(expected) - 1)
    first = next(one for one in found[0].parts if one.value == "/0")
    assert (first.bad, first.total) == (2.0 if good else 1.0 + more, 3.0 + more)


def _ago(at: datetime) -> Duration:
    return _length(NOW - at)


def _length(delta: timedelta) -> Duration:
    return Duration(delta // timedelta(milliseconds=1))


def test_other_expressions_are_asked_by_label() -> None:
    """What is no plain counter is measured in chunks; nothing is asked unless somebody names labels."""
    asked: list[str] = []

    class Source(FakeSource):
        """Two chunks of bad and of all events."""

        def range(self, query: str, start: datetime, end: datetime, step: timedelta) -> RangeAnswer:
            asked.append(query)
            assert (_ago(start), _ago(end), _length(step)) == tuple(map(Duration.parse, ("6h", "0s", "6h")))
            counts = {("bad", "/a"): 3.0, ("total", "/a"): 10.0, ("total", "/b"): 10.0}
            return RangeAnswer(
                tuple(
                    RangeRow(labels_of({"tocsin_part": f"{kind}:6h", "route": route}), ((0.0, count), (1.0, count)))
                    for (kind, route), count in counts.items()
                )
            )

    sli = RatioSli("sum(rate(x[$window]))", "sum(rate(y[$window]))")
    asker, window = Asker(Source(), NOW), Duration.of(hours=12)

    assert ask(asker, sli, window, most=3) == ()
    found = ask(asker, sli, window, most=3, labels=("route",))
    assert isinstance(found, tuple)
    assert found[0].parts == (Part("/a", 6.0, 20.0), Part("", 0.0, 20.0))
    assert len(asked) == 1


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A service in trouble, and a source that knows who."""
    with standing(tmp_path) as site:

        def instant(query: str, at: datetime) -> Answer:
            site.source.asked.append(query)
            if site.source.error is not None:
                raise site.source.error
            return Answer(rows(query), at)

        def spread(query: str, _start: datetime, end: datetime, _step: timedelta) -> RangeAnswer:
            found = instant(query, end).rows
            return RangeAnswer(tuple(RangeRow(one.labels, ((0.0, one.value),)) for one in found))

        site.source.instant = instant  # type: ignore[method-assign]
        site.source.range = spread  # type: ignore[assignment,method-assign]
        yield site


class TestApi:
    """GET /api/v1/slos/SERVICE/SLO/attribution."""

    def test_the_shape_is_exact(self, site: Site) -> None:
        """Labels of the series; each with its contributors and the rest."""
        found = site.get(PATH, top="1")

        assert found == {
            "slo": "be-camera/uptime",
            "start": "2026-11-23T13:30:15Z",
            "end": "2026-11-23T14:30:15Z",
            "labels": [
                {
                    "label": "route",
                    "bad": 100.0,
                    "total": 1000.0,
                    "contributors": [
                        {"value": "/a", "values": 1, "bad": 90.0, "total": 100.0, "share": 0.9, "trafficShare": 0.1}
                    ],
                    "rest": {"value": "", "values": 4, "bad": 10.0, "total": 900.0, "share": 0.1, "trafficShare": 0.9},
                }
            ],
        }

    def test_labels_can_be_named(self, site: Site) -> None:
        """Also one that has the same value for all, and none that nothing has."""
        found = site.get(PATH, label="pod,job,route", at=(NOW - timedelta(hours=2)).isoformat())

        assert [each["label"] for each in found["labels"]] == ["job", "route"]
        assert len(site.source.asked) == 2

    @pytest.mark.parametrize(
        ("params", "words"),
        [
            ({"label": 'a"} or vector(1)'}, "is not the name of a label"),
            ({"label": ",".join("abcdefghi")}, "9 labels; at most 8"),
            ({"timeRange": "x"}, "timeRange"),
            ({"top": "0"}, "top"),
            ({"at": "2026-11-23"}, "at"),
        ],
    )
    def test_nothing_of_a_request_becomes_promql(self, site: Site, params: dict[str, str], words: str) -> None:
        """But for names of labels, which are letters, digits and underscores."""
        assert words in site.get(PATH, 422, **params)["error"]["message"]
        assert site.source.asked == []

    def test_unknown_objectives(self, site: Site) -> None:
        """With what may have been meant."""
        error = site.get("/api/v1/slos/be-camera/uptme/attribution", 404)["error"]

        assert (error["code"], error["hint"]) == ("unknown-slo", "did you mean 'be-camera/uptime'?")

    def test_no_answer(self, site: Site) -> None:
        """An empty list would look like nobody."""
        site.source.error = SourceError("HTTP 422: too much")

        assert site.get(PATH, 503)["error"]["code"] == "source-unavailable"


class TestPage:
    """GET /slos/SERVICE/SLO."""

    def test_who_spent_the_budget(self, site: Site) -> None:
        """In the last hour and in the whole window; values of labels are text, not HTML."""
        page = site.ask("/slos/be-camera/uptime").text

        assert page.count("Who spent the budget in the last") == 2
        assert "90.0%" in page
        assert "without route" in page
        assert "/&lt;b&gt;" in page
        assert "/<b>" not in page

    def test_a_source_that_does_not_tell(self, site: Site) -> None:
        """The page stands, and says why."""
        site.source.error = SourceError("HTTP 422: too much")
        answered = site.ask("/slos/be-camera/uptime")

        assert (answered.status_code, answered.text.count("HTTP 422: too much")) == (200, 2)

    def test_no_such_objective(self, site: Site) -> None:
        """A 404."""
        assert site.ask("/slos/be-camera/nothing").status_code == 404

    def test_the_main_page_leads_there(self, site: Site) -> None:
        """Each objective has a link."""
        assert 'href="slos/be-camera/uptime"' in site.ask("/").text

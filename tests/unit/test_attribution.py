"""Who spent a budget: arithmetic, the API, and the page of an objective."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.fakes import FakeSource
from tests.sites import Site, standing
from tests.snapshots import NOW

from tocsin.errors import SourceError
from tocsin.evaluate.asking import Asker
from tocsin.evaluate.attribution import Part, ask, attribute, told
from tocsin.ports import Answer, Row, labels_of
from tocsin.sli import RatioSli
from tocsin.units import Duration

HOUR = Duration.of(hours=1)
PATH = "/api/v1/slos/be-camera/uptime/attribution"
COUNTS = {"/a": (90.0, 100.0), "/b": (6.0, 400.0), "": (3.0, 10.0), "/<b>": (1.0, 90.0), "/d": (0.0, 400.0)}


def answer(window: str = "1h", label: str = "route") -> Answer:
    """Bad and all events by route."""
    rows = [
        Row(labels_of({"tocsin_part": f"{kind}:{window}", **({label: value} if value else {})}), count[place])
        for value, count in COUNTS.items()
        for place, kind in enumerate(("bad", "total"))
    ]
    return Answer(tuple(rows), datetime(2026, 1, 1, tzinfo=UTC))


def test_parts_are_the_whole() -> None:
    """The first ones by bad events, series without the label among them; then all others as one."""
    one = attribute(answer(), "route", HOUR, 3)

    assert one is not None
    assert [part.value for part in one.first] == ["/a", "/b", ""]
    assert one.rest == Part("", 1, 490, 2)
    assert (one.bad, one.total) == (100, 1_000)


def test_nothing_to_attribute() -> None:
    """Without bad events, and where no series has the label, there is no answer."""
    assert attribute(answer(), "route", Duration.of(minutes=5), 3) is None
    assert attribute(answer(label="pod"), "route", HOUR, 3) is None


def test_one_value_for_all_tells_nothing() -> None:
    """A job that has all errors has all traffic, too."""
    rows = tuple(Row(labels_of({"tocsin_part": f"{kind}:1h", "job": "a"}), 5.0) for kind in ("bad", "total"))
    one = attribute(Answer(rows, NOW), "job", HOUR, 3)

    assert one is not None
    assert list(told([one])) == []


@pytest.mark.parametrize(("more", "labels"), [({}, ["route"]), ({"503": 40.0}, ["code", "route"])])
def test_what_makes_an_event_bad_explains_nothing(more: dict[str, float], labels: list[str]) -> None:
    """That all errors have the one status of errors is no news; which of two may be. A pinned label is not asked."""
    counts = {
        "code": {"200": (0.0, 900.0), "500": (60.0, 60.0), **{code: (bad, bad) for code, bad in more.items()}},
        "route": {"/a": (50.0, 500.0), "/b": (10.0, 460.0)},
    }

    class Source(FakeSource):
        """Answers by label."""

        def instant(self, query: str, at: datetime) -> Answer:
            assert "by (level)" not in query
            if query.startswith("topk("):
                return Answer((Row(labels_of({"route": "/a", "code": "500", "level": "error"}), 3.0),), at)
            label = next(name for name in counts if f"by ({name})" in query)
            rows = [
                Row(labels_of({"tocsin_part": f"{kind}:1h", label: value}), both[place])
                for value, both in counts[label].items()
                for place, kind in enumerate(("bad", "total"))
            ]
            return Answer(tuple(rows), at)

    sli = RatioSli('a{job="x"}', 'a{job="x",code=~"5..",level="error"}')
    found = ask(Asker(Source(), NOW), sli, HOUR, most=3)

    assert isinstance(found, tuple)
    assert sorted(one.label for one in found) == labels


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A service in trouble, and a source that knows who."""
    with standing(tmp_path) as site:

        def instant(query: str, _at: datetime) -> Answer:
            site.source.asked.append(query)
            if site.source.error is not None:
                raise site.source.error
            if query.startswith("topk("):
                return Answer((Row(labels_of({"route": "/a", "job": "shop"}), 3.0),), NOW)
            return answer("30d" if "[30d]" in query else "1h") if "by (route)" in query else Answer((), NOW)

        site.source.instant = instant  # type: ignore[assignment,method-assign]
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
        """Then nobody looks for labels: one question for each."""
        site.get(PATH, label="route, pod", at=(NOW - timedelta(hours=2)).isoformat())

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

"""Alertmanager's API, path by path: what it takes, what it refuses and how, what it shows."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests import builders
from tests.alerts import NOON, channel, notifications, route, seconds, view
from tests.databases import read_only
from tests.fakes import FakeSource, HandClock
from tests.sites import together

from tocsin.adapters.claim_store import SqlClaims
from tocsin.adapters.silence_store import SqlSilences
from tocsin.adapters.store import SqlStore
from tocsin.evaluate.claims import fingerprint
from tocsin.evaluate.model import Mute, MuteKind, Snapshot
from tocsin.ports import SourceHealth, labels_of
from tocsin.service.alertmanager import Office
from tocsin.service.alertmanager.bounds import bounded_labels, bounded_notes, bounded_url
from tocsin.service.api import Desk
from tocsin.service.app import create_app
from tocsin.service.board import Board, Standing
from tocsin.service.inbox import Inbox
from tocsin.service.quiet import Quiet
from tocsin.service.telemetry import Telemetry

SILENCE = {
    "matchers": [{"name": "service", "value": "shop", "isRegex": False}],
    "startsAt": "2026-11-23T12:00:00Z",
    "endsAt": "2026-11-23T14:00:00.000Z",
    "createdBy": "ana",
    "comment": "disks",
}

JSON = {"content-type": "application/json"}


class Api:
    """The application over real stores, and a board that tests fill."""

    def __init__(self, folder: Path) -> None:
        state = str(folder / "state.db")
        self.clock = HandClock(NOON)
        self.silences, self.claims, self.store = SqlSilences(state), SqlClaims(state), SqlStore(state)
        self.inbox = Inbox(self.claims, lambda *_: ())
        ways = notifications(channel("email"), channel("pd", "pagerduty"), route("email", "pd"))
        self.board = Board(
            Standing(replace(builders.workspace(), notifications=ways), seconds(15), NOON, version="1.2.3")
        )
        office = Office(self.board, Quiet(self.silences), self.inbox, self.clock, lambda _: "route: {}")
        desk = Desk(self.board, self.store, FakeSource(), self.clock)
        self._app = create_app(desk, Telemetry("0"), version="1.2.3", office=office)

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request."""
        return together(self._app, lambda client: client.request(method, f"/api/v2{path}", **more))

    def get(self, path: str, **params: Any) -> Any:
        """What is there."""
        answer = self.ask("GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        """Status and body."""
        answer = self.ask("POST", path, json=body, headers=headers)
        return answer.status_code, answer.json() if answer.content else None

    def claimed(self) -> list[Any]:
        """What the next tick will hear."""
        return [claim for claim, _ in self.inbox.read({}, self.clock.now()).theirs]


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """Empty."""
    made = Api(tmp_path)
    yield made
    for store in (made.silences, made.claims, made.store):
        store.close()


def test_a_silence_is_made_changed_ended_and_listed(api: Api) -> None:
    """As `amtool silence add`, `update`, `expire` and `query` ask."""
    status, made = api.post("/silences", SILENCE)
    name = made["silenceID"]
    assert status == 200
    assert api.get(f"/silence/{name}") == {
        **SILENCE,
        "id": name,
        "matchers": [{"name": "service", "value": "shop", "isRegex": False, "isEqual": True}],
        "endsAt": "2026-11-23T14:00:00Z",
        "updatedAt": "2026-11-23T12:00:00Z",
        "status": {"state": "active"},
    }
    assert api.post("/silences", {**SILENCE, "id": name, "comment": "more"}) == (200, {"silenceID": name})
    assert [each["comment"] for each in api.get("/silences", filter='service="shop"')] == ["more"]
    assert api.get("/silences", filter='service="kiln"') == []
    assert api.ask("DELETE", f"/silence/{name}").status_code == 200
    assert [each["status"] for each in api.get("/silences")] == [{"state": "expired"}]


def test_silences_hold_while_the_state_cannot_be_written(api: Api) -> None:
    """Made, changed and ended as ever; what is left is stored when that works again."""
    _, before = api.post("/silences", SILENCE)
    read_only(api.silences)
    _, made = api.post("/silences", {**SILENCE, "comment": "now"})
    api.post("/silences", {**SILENCE, "id": made["silenceID"], "comment": "more"})
    assert api.ask("DELETE", f"/silence/{before['silenceID']}").status_code == 200

    def listed() -> dict[str, tuple[str, str]]:
        return {each["id"]: (each["comment"], each["status"]["state"]) for each in api.get("/silences")}

    wanted = {before["silenceID"]: (SILENCE["comment"], "expired"), made["silenceID"]: ("more", "active")}
    assert listed() == wanted
    assert [silence.comment for silence in api.silences.all()] == [SILENCE["comment"]]

    read_only(api.silences, on=False)
    assert listed() == wanted
    assert {silence.id: silence.comment for silence in api.silences.all()}[made["silenceID"]] == "more"


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"endsAt": "2026-11-23T11:00:00Z"}, 400, "Failed to create silence: end time can't be in the past"),
        ({"matchers": []}, 400, "Failed to create silence: at least one matcher required"),
        ({"matchers": [{"name": "a", "value": ".*", "isRegex": True}]}, 400, "must not match the empty string"),
        ({"matchers": [{"name": "a", "value": "(", "isRegex": True}]}, 400, "no regular expression"),
        ({"id": "6f4f2b5e-0b0e-4c57-8c1e-6f0b4f3c0a11"}, 404, "not found"),
        ({"createdBy": None}, 422, "createdBy"),
        ({"startsAt": "yesterday"}, 422, "startsAt"),
    ],
)
def test_a_silence_that_cannot_be_is_refused(api: Api, change: dict[str, Any], status: int, said: str) -> None:
    """The status is Alertmanager's; the body is a text, which amtool prints."""
    got, body = api.post("/silences", SILENCE | change)

    assert (got, said in body) == (status, True), body
    assert api.get("/silences") == []


def test_unknown_silences_are_not_found(api: Api) -> None:
    """Reading and ending."""
    assert api.ask("GET", "/silence/x").status_code == 404
    assert api.ask("DELETE", "/silence/x").status_code == 404


def test_what_a_prometheus_posts_is_taken(api: Api) -> None:
    """With its end in the future it may fall silent; what is no alert is refused, the rest counts."""
    good = {
        "labels": {"alertname": "A", "empty": ""},
        "annotations": {"summary": "s"},
        "startsAt": "2026-11-23T11:59:00.123456789Z",
        "endsAt": "2026-11-23T12:04:00Z",
        "generatorURL": "http://prom/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
    }
    bad = [{"labels": {}}, {"labels": {"": "c"}}, {"labels": {"a": 1}}, None, {"labels": {"a": "b"}, "startsAt": "2026-11-24T00:00:00Z", "endsAt": "2026-11-23T00:00:00Z"}]  # fmt: skip  # noqa: E501
    status, said = api.post("/alerts", [good, *bad], **{"user-agent": "Prometheus/2.42.0"})
    (claim,) = api.claimed()

    assert status == 400
    assert said.split("; ") == [
        "an alert needs at least one label",
        "invalid label name ''",
        "3: labels.a: Input should be a valid string",
        "4: Input should be a valid dictionary or instance of PostableAlert",
        "start time must be before end time",
    ]
    assert (claim.labels, claim.tells_end, claim.ends_at) == (labels_of({"alertname": "A"}), True, NOON + seconds(240))
    assert claim.query == "up == 0"
    assert api.claims.all() == (claim,)


LATE, EARLY = "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"


@pytest.mark.parametrize("change", [{"endsAt": LATE}, {"startsAt": EARLY}, {"startsAt": LATE, "endsAt": LATE}])
def test_a_silence_of_times_outside_of_the_calendar_is_refused(api: Api, change: dict[str, str]) -> None:
    """In UTC they are in the year 10000, or before the year 1."""
    assert api.post("/silences", SILENCE | change) == (
        400,
        "Failed to create silence: a time outside of years 1 to 9999",
    )


def test_an_alert_of_times_outside_of_the_calendar_takes_nothing_with_it(api: Api) -> None:
    """It is refused; the rest of the batch counts, also what lasts as long as the calendar."""
    good = [{"labels": {"a": "1"}}, {"labels": {"a": "2"}, "endsAt": "9999-12-31T23:59:59Z"}]
    got = api.post("/alerts", [good[0], {"labels": {"a": "3"}, "endsAt": LATE}, good[1]])

    assert got == (400, "a time outside of years 1 to 9999")
    assert [dict(claim.labels)["a"] for claim in api.claimed()] == ["1", "2"]


def test_null_is_nothing_and_a_name_any_text(api: Api) -> None:
    """As Alertmanager reads it; OpenTelemetry's labels have dots, and Prometheus 3 sends them so."""
    said = {"labels": {"alertname": "A", "service.name": "shop"}, "annotations": None, "endsAt": None}

    assert api.post("/alerts", [said | {"startsAt": None, "generatorURL": None}]) == (200, None)
    assert [dict(claim.labels) for claim in api.claimed()] == [said["labels"]]


def test_an_alert_without_times_lasts_five_minutes(api: Api) -> None:
    """`amtool alert add`: Alertmanager's resolve_timeout, and it means its end."""
    assert api.post("/alerts", [{"labels": {"alertname": "A"}}]) == (200, None)
    (claim,) = api.claimed()

    assert (claim.starts_at, claim.ends_at, claim.tells_end) == (NOON, NOON + seconds(300), False)


@pytest.mark.parametrize("body", [b"{", b"[{}]", b'[{"labels": {"a": 1}}]', b"null", b'"x"', b"[[]]", b"\xff"])
def test_what_is_no_list_of_alerts_is_refused(api: Api, body: bytes) -> None:
    """With a text, and no traceback."""
    answer = api.ask("POST", "/alerts", content=body, headers=JSON)

    assert (answer.status_code, isinstance(answer.json(), str)) == (400, True)


def test_a_body_without_end_is_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is larger than the limit is not kept in memory."""
    monkeypatch.setattr("tocsin.service.alertmanager.work.LARGEST_BODY", 1_000)

    assert api.ask("POST", "/alerts", content=b"[" + b" " * 1_000 + b"]", headers=JSON).status_code == 413


@pytest.mark.parametrize("path", ["/silences", "/alerts"])
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_only_json_is_taken(api: Api, path: str, kind: str) -> None:
    """Text, forms and what has no type can come from any web page without asking: 415, as Alertmanager answers."""
    answer = api.ask("POST", path, content=json.dumps(SILENCE), headers={"content-type": kind} if kind else {})

    assert (answer.status_code, isinstance(answer.json(), str)) == (415, True)
    assert (api.get("/silences"), api.claimed()) == ([], [])


FOREIGN = (
    {"origin": "http://evil.test"},
    {"origin": "null"},
    {"origin": "http://[evil"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site", "origin": "http://test"},
)


@pytest.mark.parametrize("headers", FOREIGN)
def test_pages_of_other_sites_change_nothing(api: Api, headers: dict[str, str]) -> None:
    """Whatever they send: no silence is made or ended."""
    name = api.post("/silences", SILENCE)[1]["silenceID"]

    assert api.post("/silences", SILENCE | {"comment": "all"}, **headers)[0] == 403
    assert api.post("/alerts", [{"labels": {"a": "b"}}], **headers)[0] == 403
    assert api.ask("DELETE", f"/silence/{name}", headers=headers).status_code == 403
    assert [each["status"]["state"] for each in api.get("/silences")] == ["active"]


def test_pages_of_our_own_and_those_behind_a_proxy_may(api: Api) -> None:
    """The origin is the host that was asked for, here or at the proxy; over HTTPS the browser says so itself."""
    own = [
        {"host": "tocsin:9911", "origin": "http://tocsin:9911"},
        {"host": "10.0.0.1", "x-forwarded-host": "Alerts.example", "origin": "https://alerts.example"},
        {"host": "10.0.0.1", "sec-fetch-site": "same-origin", "origin": "https://alerts.example"},
    ]

    assert [api.post("/silences", SILENCE, **headers)[0] for headers in own] == [200, 200, 200]


def shown(api: Api) -> None:
    """Three open alerts: one told, one silenced, one inhibited by the first."""
    views = (
        view("a", labels=labels_of({"alertname": "A", "tier": "fast"})),
        view("b", labels=labels_of({"alertname": "B"}), muted=(Mute(MuteKind.SILENCE, "s1", "x"),)),
        view("c", labels=labels_of({"alertname": "C"}), muted=(Mute(MuteKind.INHIBITION, "a", "x"),)),
    )
    api.board.update(snapshot=Snapshot(NOON, SourceHealth(ok=True, since=NOON), alerts=views), ticked_at=NOON)


def test_open_alerts_are_shown_with_their_state(api: Api) -> None:
    """Receivers, the silence, the fingerprint of what inhibits, times."""
    shown(api)
    a, b, c = sorted(api.get("/alerts"), key=lambda alert: str(alert["labels"]["alertname"]))
    print_of_a = fingerprint(labels_of({"alertname": "A", "service": "be-camera", "tier": "fast"}))

    assert a["status"] == {"state": "active", "silencedBy": [], "inhibitedBy": []}
    assert b["status"] == {"state": "suppressed", "silencedBy": ["s1"], "inhibitedBy": []}
    assert c["status"] == {"state": "suppressed", "silencedBy": [], "inhibitedBy": [print_of_a]}
    assert (a["fingerprint"], [each["name"] for each in a["receivers"]]) == (print_of_a, ["email", "pd"])
    assert (a["startsAt"], a["endsAt"]) == ("2026-11-23T12:00:00Z", "2026-11-23T12:04:00Z")
    assert a["annotations"]["budget_left"] == "91.3%"


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, "ABC"),
        ({"silenced": "false"}, "AC"),
        ({"inhibited": "false"}, "AB"),
        ({"active": "false"}, "BC"),
        ({"filter": ['alertname=~"A|B"', 'tier!="fast"']}, "B"),
        ({"receiver": "pd|x"}, "ABC"),
        ({"receiver": "p"}, ""),
        ({"unheard": "of"}, "ABC"),  # ignored, as in Alertmanager
    ],
)
def test_alerts_are_filtered(api: Api, asked: dict[str, Any], names: str) -> None:
    """By state, matchers and receiver."""
    shown(api)

    assert "".join(sorted(alert["labels"]["alertname"] for alert in api.get("/alerts", **asked))) == names


def test_groups_are_those_that_share_messages(api: Api) -> None:
    """One for each channel and values of `group_by`."""
    shown(api)
    found = api.get("/alerts/groups", silenced="false")

    assert [(g["receiver"]["name"], g["labels"], len(g["alerts"])) for g in found] == [
        ("email", {"service": "be-camera"}, 2),
        ("pd", {"service": "be-camera"}, 2),
    ]
    assert [g["receiver"]["name"] for g in api.get("/alerts/groups", receiver="email")] == ["email"]


def test_what_cannot_be_read_is_refused(api: Api) -> None:
    """Filters and patterns."""
    for path in ("/alerts?filter=~~", "/silences?filter=a", "/alerts?receiver=(", "/alerts/groups?receiver=("):
        answer = api.ask("GET", path)
        assert (answer.status_code, isinstance(answer.json(), str)) == (400, True), path


def test_it_says_what_it_is(api: Api) -> None:
    """`/status` and `/receivers`."""
    status = api.get("/status")

    assert (status["versionInfo"]["version"], status["cluster"]["status"]) == ("1.2.3", "disabled")
    assert status["config"]["original"] == "route: {}"
    assert api.get("/receivers") == [{"name": "email"}, {"name": "pd"}]


def test_huge_labels_are_cut_and_alerts_stay_apart(api: Api) -> None:
    """A megabyte in a label is kept as a thousand characters, which still differ where the wholes do; an end fits."""
    huge = [{"alertname": "TooHot", "dump": "x" * 10**6 + end} for end in "ab"]
    sent = [{"labels": labels, "annotations": {"summary": "s" * 10**6, "z": "z"}} for labels in huge]
    assert api.post("/alerts", sent)[0] == 200
    first, second = sorted(api.claimed(), key=lambda claim: claim.labels)

    assert first.labels != second.labels
    assert {len(value) for claim in (first, second) for name, value in claim.labels if name == "dump"} == {1_000}
    assert [(name, len(text)) for name, text in first.annotations] == [("summary", 4_000), ("z", 1)]
    over = {"labels": huge[0], "startsAt": "2026-11-23T11:00:00Z", "endsAt": "2026-11-23T11:59:00Z"}
    assert api.post("/alerts", [over])[0] == 200
    assert sorted(claim.ended for claim in api.claimed()) == [False, True]


def test_thousands_of_labels_are_counted(api: Api) -> None:
    """Those that everything is told by are kept, the others stand in one; without any of them it is another alert."""
    many = {f"l{n:04}": str(n) for n in range(5_000)} | {"severity": "critical", "alertname": "TooHot", "n" * 300: "x"}
    fewer = {name: value for name, value in many.items() if name != "l4999"}
    assert api.post("/alerts", [{"labels": many}, {"labels": fewer}])[0] == 200
    labels = sorted((dict(claim.labels) for claim in api.claimed()), key=lambda each: each["more_labels"])

    assert [each["more_labels"].partition(",")[0] for each in labels] == ["4902 more", "4903 more"]
    assert {len(each) for each in labels} == {101}
    assert {(each["alertname"], each["severity"], each["l0097"]) for each in labels} == {("TooHot", "critical", "97")}


def test_bounds_leave_usual_alerts_alone() -> None:
    """As a Prometheus sends them."""
    labels = {"alertname": "TooHot", "instance": "a:9100", "path": "/" + "p" * 999}

    assert bounded_labels(labels) == labels
    assert bounded_notes({"summary": "s", "b": "x"}, ("summary",)) == {"summary": "s", "b": "x"}
    assert (bounded_url("http://p/graph"), bounded_url("http://p/" + "x" * 2_000)) == ("http://p/graph", "")

"""Alerts on a value or an expression, tick by tick: rows that come, go, are missing or mean nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from tests import builders
from tests.alerts import channel, notifications, route
from tests.worlds import BLIND, FIRED, RESOLVED, START, World, seconds

from tocsin.evaluate.model import EventKind, Identity, Phase
from tocsin.notify.group import announce
from tocsin.ports import Row, labels_of
from tocsin.spec import AlertRule


class TestThresholds:
    """Alerts on a value or an expression."""

    QUEUE = 'queue{job="x"}'

    def queue(self, alert: AlertRule, values: Mapping[str, Sequence[float]]) -> World:
        """A queue length by camera, one value for every 15 s; the list's end is the series' end."""
        there = World(builders.workspace(builders.service(alerts=(alert,))))
        for camera, points in values.items():
            labels = {"__name__": "queue", "job": "x", "camera": camera}
            there.source.add(labels, ((START + seconds(15 * i), v) for i, v in enumerate(points)))
        return there

    def test_each_row_is_an_alert(self) -> None:
        """Instances are told apart by the labels of their rows, without the metric's name."""
        there = self.queue(builders.alert(value=self.QUEUE, above="100"), {"a": [200], "b": [100], "c": [300]})
        there.tick(0)
        assert there.last is not None

        assert {view.identity: view.title for view in there.last.views} == {
            Identity(
                "shop/QueueTooLong", labels_of({"camera": camera, "job": "x"})
            ): f"QueueTooLong on shop ({camera}, x)"
            for camera in ("a", "c")
        }

    def test_comparison_is_strict(self) -> None:
        """Exactly the threshold is neither above nor below it."""
        there = self.queue(builders.alert(value=self.QUEUE, above="100", below="100"), {"a": [100, 100.5, 99.5]})
        there.tick(0)
        assert there.told("shop/QueueTooLong") == []

        there.run(15, 30)
        assert there.told("shop/QueueTooLong") == [(15, FIRED)]

    @pytest.mark.parametrize(
        "alert",
        [
            builders.alert(value=QUEUE, above="100"),
            builders.alert(expr=f"{QUEUE} > 100"),
            builders.alert(expr=f"100 < ({QUEUE})"),
        ],
    )
    def test_a_missing_row_is_blind(self, alert: AlertRule) -> None:
        """A series that ends (a failed scrape) does not resolve its alert; a value within bounds does."""
        there = self.queue(alert, {"a": [200] * 4, "b": [200] * 3 + [50]})
        there.source.scripts["(" + self.QUEUE + ")"] = lambda at: there.source.instant(self.QUEUE, at).rows
        there.run(0, 45)
        there.run(600, 630)
        told = [(s, dict(i.labels)["camera"]) for s, i, e in self.by_camera(there) if e is RESOLVED]
        assert told == [(45, "b")]

        blind = [dict(i.labels)["camera"] for _, i, e in self.by_camera(there) if e is BLIND]
        assert blind == ["a"]

    def by_camera(self, there: World) -> list[tuple[float, Identity, EventKind]]:
        """Events with identities."""
        assert there.last is not None
        found = []
        for identity, state in there.memory.alerts.items():
            if state.resolved_at:
                found.append(((state.resolved_at - START).total_seconds(), identity, RESOLVED))
            if state.blind_since:
                found.append(((state.blind_since - START).total_seconds(), identity, BLIND))
        return found

    @pytest.mark.parametrize(
        ("policy", "kinds"),
        [("keep", [FIRED]), ("resolve", [FIRED, RESOLVED]), ("fire", [FIRED, FIRED])],
    )
    def test_on_missing(self, policy: str, kinds: list[EventKind]) -> None:
        """What a missing row means is the rule's to say; with `fire`, no row at all is one more alert."""
        there = self.queue(builders.alert(value=self.QUEUE, above="100", on_missing=policy), {"a": [200] * 4})
        there.run(0, 45)
        there.run(600, 630)

        assert kinds == [kind for _, kind in there.told("shop/QueueTooLong")]

    def test_fire_on_missing_resolves(self) -> None:
        """With `fire`, rows that come back resolve the alert about their absence."""
        there = self.queue(builders.alert(value=self.QUEUE, above="100", on_missing="fire"), {"a": [1] * 4})
        there.run(0, 45)
        assert there.told("shop/QueueTooLong") == []

        there.run(600, 615)
        labels = {"__name__": "queue", "job": "x", "camera": "a"}
        there.source.add(labels, [(START + seconds(630), 1.0)])
        there.run(630, 645)

        assert there.told("shop/QueueTooLong") == [(600, FIRED), (630, RESOLVED)]

    def test_fire_on_missing_needs_all_rows_gone(self) -> None:
        """With `fire`, one camera that is taken away fires nothing, neither now nor for ever."""
        alert = builders.alert(value=self.QUEUE, above="100", on_missing="fire")
        there = self.queue(alert, {"a": [200, 1, 1, 1], "b": [1] * 60})
        there.run(0, 885)

        assert there.told("shop/QueueTooLong") == [(0, FIRED), (15, RESOLVED)]
        assert [i for i, state in there.memory.alerts.items() if state.phase is not Phase.INACTIVE] == []

    def test_a_quiet_row_that_ends_is_not_blind_for_ever(self) -> None:
        """A camera whose value was NaN, and that is gone, is in no list of blind rules any more."""
        there = self.queue(
            builders.alert(value=self.QUEUE, above="100"), {"a": [1, float("nan")], "b": [200, 1, float("nan"), 1]}
        )
        there.run(0, 15)
        assert there.blind("shop/QueueTooLong") == ["a"]

        there.source.down = "connection refused"
        there.tick(600)
        assert there.blind("shop/QueueTooLong") == ["a"]

        there.source.down = ""
        there.tick(615)
        assert [i.labels[0][1] for i in there.memory.alerts if i.labels] == ["b"]

    def test_a_storm_is_forgotten(self) -> None:
        """States of pods that fired once are kept for a day; who fires again afterwards gets a new key."""
        there = self.queue(builders.alert(value=self.QUEUE, above="100"), {str(i): [200, 1] for i in range(300)})
        keys = {view.dedup_key for view in there.tick(0).views}
        there.run(15, 30)
        there.run(3_600, 22 * 3_600, step=3_600)
        assert len(there.memory.alerts) == 300

        there.run(24 * 3_600, 25 * 3_600, step=3_600)
        assert there.memory.alerts == {}

        at = START + seconds(26 * 3_600)
        there.source.add({"__name__": "queue", "job": "x", "camera": "7"}, [(at, 200.0)])
        [view] = there.tick(26 * 3_600).views
        assert view.dedup_key not in keys

    def test_nan_is_unknown(self) -> None:
        """NaN is neither above nor below; it resolves nothing."""
        there = self.queue(builders.alert(value=self.QUEUE, above="100"), {"a": [200, float("nan"), float("nan"), 1]})
        there.run(0, 30)
        assert there.told("shop/QueueTooLong", (FIRED, RESOLVED, BLIND)) == [(0, FIRED), (15, BLIND)]

        there.tick(45)
        assert there.told("shop/QueueTooLong", (RESOLVED,)) == [(45, RESOLVED)]

    def test_ten_thousand_new_values_in_one_evaluation(self) -> None:
        """Each is an instance with a key of its own, and people are told in one message."""
        there = World(builders.workspace(builders.service(alerts=(builders.alert(value="q", above="100"),))))
        there.source.scripts["q"] = lambda _: tuple(Row((("user", str(n)),), 200.0) for n in range(10_000))
        views = there.tick(0).views
        _, [told] = announce({}, views, notifications(channel("email"), route("email", wait=0)), START)

        assert len({view.dedup_key for view in views}) == len(told.alerts) == 10_000

    @pytest.mark.parametrize(
        ("answer", "told"),
        [
            ([("a", float("nan"))], BLIND),
            ([], BLIND),
            ([("a", float("inf"))], None),
            ([("a", float("-inf"))], RESOLVED),
            ([("a", -5.0)], RESOLVED),
            ([("a", 50.0), ("b", 50.0)], RESOLVED),
            ([("a", 50.0), ("b", 200.0)], None),
            ([("a", 200.0), ("b", 50.0)], None),
            ([("a", 50.0), ("b", float("nan"))], BLIND),
            ([("a", float("nan")), ("b", 200.0)], None),
        ],
        ids=str,
    )
    def test_what_an_answer_means_to_what_fires(
        self, answer: Sequence[tuple[str, float]], told: EventKind | None
    ) -> None:
        """No number and no row end nothing; an infinite value is beyond the bound or within it, as every value is.

        Rows that differ in the name of their metric alone are of one instance: it ends when all of them say so.
        """
        there = World(builders.workspace(builders.service(alerts=(builders.alert(value="q", above="100"),))))
        rows = tuple(Row((("__name__", name), ("camera", "x")), value) for name, value in answer)
        before = (Row((("__name__", "a"), ("camera", "x")), 200.0),)
        there.source.scripts["q"] = lambda at: before if at == START else rows
        there.run(0, 15)

        assert there.told("shop/QueueTooLong", (FIRED, RESOLVED, BLIND)) == [(0, FIRED), *[(15, told)] * bool(told)]

    def test_a_scalar_is_one_instance(self) -> None:
        """`scalar(…)` and a plain number have no labels."""
        there = World(builders.workspace(builders.service(alerts=(builders.alert(value="q", above="100"),))))
        there.source.scripts["q"] = lambda at: (Row((), 200.0 if at == START else 50.0),)
        there.run(0, 15)

        assert there.told("shop/QueueTooLong") == [(0, FIRED), (15, RESOLVED)]

    def test_a_partial_answer_may_fire(self) -> None:
        """Who is above a bound in it is; who is below one may be, in the part that is missing, above it."""
        alerts = (builders.alert("High", value=self.QUEUE, above="100"), builders.alert("Low", value="q", below="100"))
        there = World(builders.workspace(builders.service(alerts=alerts)))
        there.source.add({"__name__": "queue", "job": "x"}, [(START, 200.0)])
        there.source.add({"__name__": "q"}, [(START, 50.0)])
        there.source.partial = True
        there.run(0, 30)
        assert (there.told("shop/High"), there.told("shop/Low")) == ([(0, FIRED)], [])

    def test_a_description_is_told_beside_the_summary_and_not_twice(self) -> None:
        """Its holes are filled; without a summary it is the summary."""
        rule = replace(builders.alert(value=self.QUEUE, above="100"), description="{{ value }} frames wait")
        told = []
        for one in (replace(rule, summary="too long"), rule):
            there = self.queue(one, {"a": [200]})
            there.tick(0)
            told += [(view.summary, view.description) for view in there.memory.views.values()]

        assert told == [("too long", "200 frames wait"), ("200 frames wait", "")]

    def test_for(self) -> None:
        """`for` is honoured per row."""
        there = self.queue(
            builders.alert(value=self.QUEUE, above="100", for_="1m"), {"a": [200] * 9, "b": [1, 200] * 5}
        )
        there.run(0, 120)

        assert there.told("shop/QueueTooLong") == [(60, FIRED)]

    def test_pending_is_shown_but_not_told(self) -> None:
        """A pending alert is on the page, and among no views that are stored or announced."""
        there = self.queue(builders.alert(value=self.QUEUE, above="100", for_="1m"), {"a": [200] * 9})
        turned = there.tick(0)

        assert turned.views == ()
        assert [view.phase for view in turned.snapshot.alerts] == [Phase.PENDING]

    def test_quiet_rows_are_not_stored(self) -> None:
        """Ten thousand healthy rows are no ten thousand states."""
        there = self.queue(builders.alert(value=self.QUEUE, above="100"), {str(i): [1] for i in range(100)})
        turned = there.tick(0)

        assert (turned.alerts, turned.views) == ({}, ())


class TestExpressions:
    """Expressions that only return what is true."""

    EXPR = "queue > 100 and camera_up == 1"

    def there(self) -> World:
        """One rule, whose result is scripted and whose selectors have real series."""
        made = World(builders.workspace(builders.service(alerts=(builders.alert(expr=self.EXPR),))))
        for name in ("queue", "camera_up"):
            for camera in ("a", "b"):
                labels = {"__name__": name, "camera": camera, "pod": f"{name}-{camera}"}
                made.source.add(labels, ((START + seconds(15 * i), 1.0) for i in range(5)))
        made.result = ["a", "b"]  # type: ignore[attr-defined]
        made.source.scripts[self.EXPR] = lambda _: tuple(
            Row((("camera", camera),), 200.0)
            for camera in made.result  # type: ignore[attr-defined]
        )
        return made

    def test_gone_with_series_present(self) -> None:
        """An instance whose series are still there, and that is not in the result, is resolved."""
        there = self.there()
        there.run(0, 30)
        there.result = ["b"]  # type: ignore[attr-defined]
        there.tick(45)

        resolved = {i for i, state in there.memory.alerts.items() if state.resolved_at}
        assert resolved == {Identity("shop/QueueTooLong", (("camera", "a"),))}

    def test_gone_with_its_series(self) -> None:
        """One camera's series ended, the other's did not: the first is blind, though the selector has rows."""
        there = self.there()
        there.run(0, 30)
        labels = {"__name__": "queue", "camera": "b", "pod": "queue-b"}
        there.source.add(labels, [(START + seconds(600), 1.0)])
        labels = {"__name__": "camera_up", "camera": "b", "pod": "camera_up-b"}
        there.source.add(labels, [(START + seconds(600), 1.0)])
        there.result = []  # type: ignore[attr-defined]
        there.tick(600)

        states = {dict(i.labels)["camera"]: s.phase for i, s in there.memory.alerts.items()}
        assert states == {"a": Phase.FIRING, "b": Phase.INACTIVE}

    def test_presence_is_asked_only_when_needed(self) -> None:
        """A quiet rule costs one question."""
        there = self.there()
        there.result = []  # type: ignore[attr-defined]
        there.tick(0)

        assert there.source.asked == ["vector(1)", self.EXPR]

    def test_absent_resolves(self) -> None:
        """An `absent()` alert resolves when its series are back: nothing else could be evidence."""
        expr = 'absent(up{job="x"})'
        there = World(builders.workspace(builders.service(alerts=(builders.alert(expr=expr),))))
        there.source.scripts[expr] = lambda at: (Row((("job", "x"),), 1.0),) if at < START + seconds(30) else ()
        there.run(0, 30)

        assert [kind for _, kind in there.told("shop/QueueTooLong")] == [FIRED, RESOLVED]

    @pytest.mark.parametrize(
        ("present", "kinds"),
        [({"a", "b"}, [FIRED, RESOLVED]), ({"a"}, [FIRED]), ({"b"}, [FIRED]), (set(), [FIRED])],
    )
    def test_either_side_of_an_or(self, present: set[str], kinds: list[EventKind]) -> None:
        """An `or` is over only when the series of both its sides are there: nobody remembers which one was true."""
        expr, row = "a > 1 or b > 2", (("pod", "p"),)
        there = World(builders.workspace(builders.service(alerts=(builders.alert(expr=expr),))))
        there.source.scripts[expr] = lambda at: (Row(row, 3.0),) if at < START + seconds(30) else ()
        for name in present:
            there.source.add({"__name__": name, "pod": "p"}, [(START + seconds(30), 1.0)])
        there.run(0, 30)

        assert [kind for _, kind in there.told("shop/QueueTooLong")] == kinds

    @pytest.mark.parametrize(
        "alert",
        [
            builders.alert(expr="count(up == 0) > 0"),
            builders.alert(expr="count(up == 0) > 0", on_missing="resolve"),
            builders.alert(value="count(up == 0)", above="0"),
        ],
    )
    @pytest.mark.parametrize("scraped", [True, False])
    def test_a_value_that_filters(self, alert: AlertRule, scraped: bool) -> None:
        """`count(up == 0)` has no row when all is well: that resolves it, unless `up` itself is gone."""
        there = World(builders.workspace(builders.service(alerts=(alert,))))
        there.source.scripts["count(up == 0)"] = lambda at: (Row((), 1.0),) if at < START + seconds(30) else ()
        if scraped:
            there.source.add({"__name__": "up", "job": "x"}, [(START + seconds(30), 1.0)])
        there.run(0, 30)

        resolved = scraped or alert.on_missing == "resolve"
        assert [kind for _, kind in there.told("shop/QueueTooLong")] == [FIRED, RESOLVED][: 1 + resolved]
        assert there.source.asked.count("up") == 1

    def test_absent_compared(self) -> None:
        """`absent(x) == 1` is `absent(x)`."""
        there = World(builders.workspace(builders.service(alerts=(builders.alert(expr="absent(up) == 1"),))))
        there.source.scripts["absent(up)"] = lambda at: (Row((), 1.0),) if at < START + seconds(30) else ()
        there.run(0, 30)

        assert [kind for _, kind in there.told("shop/QueueTooLong")] == [FIRED, RESOLVED]

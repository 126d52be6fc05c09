"""Level shifts: what is written, what is compiled of it (nothing, and aloud), and what the evaluator makes of series.

A stretch is five minutes here and a history two hours, 24 stretches of 30 values each.
"""

import math
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.reading import codes, document, read, together
from tests.worlds import BLIND, FIRED, RESOLVED, SIGHTED, START, World

from tocsin.definitions import read_definitions
from tocsin.diagnostics import Severity
from tocsin.evaluate.level_shifts import LevelShiftQuestion
from tocsin.evaluate.model import Phase, Truth
from tocsin.explain.facts import facts
from tocsin.explain.text import text_of
from tocsin.plan import plan
from tocsin.ports import Labels, Row, labels_of
from tocsin.promql_syntax import Fault, parse
from tocsin.proofs.others import other_proofs
from tocsin.service.links import graphs_of
from tocsin.spec import LevelShift
from tocsin.targets.grafana import grafana
from tocsin.targets.runbooks import runbooks
from tocsin.workspace import Workspace

TEXT = """
    alerts:
      Shifted:
        level_shift: {series: 'depth{job="shop"}', history: 2h, after: 5m}
        for: 2m
        severity: warning
        summary: now {{ value }}
"""
SERIES = 'depth{job="shop"}'
HERE = labels_of({"job": "shop", "q": "a"})
HOUR, MINUTE = 3600.0, 60.0
Curve = Callable[[float], float | None]


def shop(text: str = TEXT) -> Workspace:
    """The workspace of one document without a fault."""
    workspace, findings = read("Service", text, "shop")
    assert findings == ()
    return workspace


def condition(inside: str) -> LevelShift:
    """What is read from the braces."""
    found = shop(f"alerts: {{A: {{level_shift: {inside}, severity: info}}}}").services[0].alerts[0].condition
    assert isinstance(found, LevelShift)
    return found


class TestWriting:
    """What is written."""

    def test_the_least_that_can_be_said(self) -> None:
        """Two days, half an hour, five deviations, both sides, five percent."""
        found = condition("{series: x}")

        said = (found.series.text, str(found.history), str(found.after), str(found.deviations), found.direction)
        assert said == ("x", "2d", "30m", "5", "both")
        assert str(found.margin) == "0.05"

    @pytest.mark.parametrize(
        ("inside", "message"),
        [
            ("{series: x, after: 90s}", "after 1m30s is no stretch"),
            ("{series: x, after: 4m}", "after 4m is no stretch"),
            ("{series: x, history: 30d, after: 7h}", "after 7h is no stretch"),
            ("{series: x, history: 11h59m}", "a history of 11h59m is 23.97 times as long as after (30m)"),
            ("{series: x, history: 8d}", "a history of 8d is 384 times as long as after (30m)"),
        ],
    )
    def test_a_history_without_sense(self, inside: str, message: str) -> None:
        """It is refused where it is written, and nothing else is said."""
        text = f"alerts:\n  A:\n    level_shift: {inside}\n    severity: info"
        _, [finding] = read("Service", text, "shop")

        assert (finding.code, finding.span.line) == ("alert/history", 6)
        assert finding.message.startswith(message)
        assert finding.hint

    def test_the_ends_are_allowed(self) -> None:
        """24 and 336 stretches, of five minutes and of six hours."""
        for history, after, count in (("2h", "5m", 24), ("28h", "5m", 336), ("84d", "6h", 336)):
            found = condition(f"{{series: x, history: {history}, after: {after}}}")
            assert found.history.milliseconds == count * found.after.milliseconds

    def test_bounds_and_firing_without_a_row_do_not_go_with_it(self) -> None:
        """As with any condition of its own."""
        for more in ("above: 3", "on_missing: fire", "expr: x > 1"):
            _, found = read("Service", f"alerts: {{A: {{level_shift: {{series: x}}, {more}, severity: info}}}}", "shop")
            assert codes(found) == ["alert/condition"]

    def test_a_history_beyond_retention_is_told_of(self) -> None:
        """Half of it has to be kept."""
        for kept, expected in (("23h", ["alert/history"]), ("1d", [])):
            platform = document("Platform", f"prometheus: {{retention: {kept}}}", "p")
            text = document("Service", TEXT.replace("2h, after: 5m", "2d"), "shop")
            workspace, misread = together(text, platform)
            assert misread == ()
            warned = [each.code for each in plan(workspace)[1] if each.severity is Severity.WARNING]
            assert warned == expected


COMPOSED = (
    TEXT
    + """
      Plain: {expr: x > 1, severity: warning}
      Over: {all_of: [Shifted], any_of: [Plain], severity: critical, labels: {team: night}}
      Above: {none_of: [Over], any_of: [Plain], group: g, severity: critical}
      Ruled: {all_of: [Plain], severity: warning}
"""
)


class TestCompiling:
    """No rule says it, and that is said."""

    def test_it_is_in_no_rule_and_so_is_what_is_made_of_it(self) -> None:
        """A note for each, and rules for the others."""
        planned, findings = plan(shop(COMPOSED))
        ruled = {rule.ref for group in planned.groups for rule in group.rules}  # type: ignore[union-attr]

        assert ruled == {"shop/Plain", "shop/Ruled"}
        assert {rule.ref for rule in planned.evaluated} == {"shop/Shifted", "shop/Over", "shop/Above"}
        assert {rule.ref for rule in planned.alerts()} == ruled | {rule.ref for rule in planned.evaluated}
        assert {(each.code, each.severity) for each in findings} == {("alert/evaluated", Severity.INFO)}
        assert sorted(each.message.partition(":")[2] for each in findings) == [
            " it is made of shop/Over, which is",
            " it is made of shop/Shifted, which is",
            " the levels of its history are kept by the evaluator, and not by rules",
        ]

    def test_a_cycle_through_it_is_found(self) -> None:
        """Alerts that need each other stay an error where no rule says them."""
        text = TEXT + "      A: {all_of: [Shifted, B], severity: info}\n      B: {all_of: [A], severity: info}\n"

        assert "reference/cycle" in codes(plan(shop(text))[1])

    def test_a_test_of_rules_cannot_wait_for_it(self) -> None:
        """An expectation that it is silent would be true of any name."""
        expected = "expect: [{at: 5m, alert: Shifted, firing: []}]"
        text = f"{TEXT}    tests: [{{name: t, series: [{{series: x, values: '1x9'}}], {expected}}}]\n"
        found = [each for each in plan(shop(text))[1] if each.severity is Severity.ERROR]

        assert [(each.code, each.hint) for each in found] == [
            ("reference/unknown-alert", "leave it out; tocsin backtest shows what it would have done")
        ]

    def test_routes_know_its_labels(self, tmp_path: Path) -> None:
        """It reaches somebody or nobody as any alert does, and a matcher may ask for what only it has."""
        file = tmp_path / "shop.yaml"
        for team, silent in (("night", {"Shifted", "Plain", "Above", "Ruled"}), ("nihgt", None)):
            route = f"channels: {{mail: {{apprise: {{env: X}}}}}}\nroutes: [{{match: {{team: {team}}}, to: [mail]}}]"
            file.write_text(
                "---\n".join((document("Service", COMPOSED, "shop"), document("Notifications", route, "n")))
            )
            findings = read_definitions([str(file)]).findings
            found = {
                each.message.split(" of shop/")[1].split(" ")[0] for each in findings if each.code == "alert/notify"
            }
            assert found == (silent or {"Shifted", "Plain", "Above", "Ruled", "Over"})
            assert [each.hint for each in findings if each.code == "matcher/value"] == (
                [] if silent else ["did you mean night?"]
            )

    def test_pages_for_people_have_it(self) -> None:
        """Runbook, dashboard and explanation say who evaluates it, and show the series."""
        workspace = shop(COMPOSED)
        planned, _ = plan(workspace)
        page = next(each.text for each in runbooks(planned, workspace) if each.path == "runbooks/shop.md")
        board = next(each.text for each in grafana(planned, workspace) if "service-shop" in each.path)
        alert = workspace.services[0].alerts[0]
        text = text_of(alert, planned)

        assert page.count("- Evaluated: by `tocsin serve` alone") == 3
        assert f"It watches each row of:\n\n```promql\n{SERIES}\n```" in page
        assert page.count("```promql") == 3
        assert "tocsin serve alone says when its level has shifted" in board
        assert "median of the last 5m is above or below what was usual in the 2h before, by more than 5 times" in text
        assert text.endswith("no rule: evaluated by tocsin serve alone\n")
        told = facts(alert, planned)
        assert (told["evaluated_alone"], told["expressions"]) == (True, [])

    def test_it_is_not_proved(self) -> None:
        """And that is no failure."""
        workspace = shop()
        planned, _ = plan(workspace)
        [unproved] = other_proofs(workspace, planned, planned)

        assert (unproved.ref, unproved.reason) == (  # type: ignore[union-attr]
            "shop/Shifted",
            "no rule says it: tocsin serve alone evaluates it",
        )

    def test_its_graph_can_be_asked_for(self) -> None:
        """The value and what was usual, by name."""
        graph = graphs_of(shop())["shop/Shifted"]

        assert not isinstance(parse(graph.expression), Fault)
        assert graph.names == ("value", "usual")
        assert f"quantile_over_time(0.5, ({SERIES})[2h:1m] offset 5m)" in graph.expression
        assert 4 * graph.window == timedelta(hours=1)


def noise(level: float, seed: int = 1) -> Curve:
    """Values around a level, the same whenever they are asked for."""
    return lambda second: level + random.Random(f"{seed}/{second // 10}").gauss(0, 1)


def flat(before: float, level: float) -> Curve:
    """Without any noise, and another level from the tenth minute on."""
    return lambda second: before if second < 600 else level


def steps(*parts: tuple[float, float | None]) -> Curve:
    """Noise around levels, each from a second on; nothing where there is None."""

    def value(second: float) -> float | None:
        level = next((level for start, level in reversed(parts) if second >= start), None)
        return None if level is None else noise(level)(second)

    return value


def world(curves: dict[Labels, Curve], text: str = TEXT) -> World:
    """An evaluator over series that are made up as they are asked for; history began three hours before the start."""

    def rows(at: datetime) -> tuple[Row, ...]:
        second = (at - START).total_seconds()
        found = [(labels, curve(second)) for labels, curve in curves.items()]
        return tuple(Row((("__name__", "depth"), *labels), value) for labels, value in found if value is not None)

    there = World(shop(text))
    there.source.scripts[SERIES] = rows
    return there


def state(there: World) -> str:
    """Why the one instance is as it is."""
    [found] = [state for identity, state in there.memory.alerts.items() if identity.rule == "shop/Shifted"]
    return found.reason


class TestEvaluating:
    """What the evaluator makes of it."""

    def test_a_shift_is_told_of_and_its_end(self) -> None:
        """After half of the last stretch and `for`; it ends as soon as half of it is as before."""
        there = world({HERE: steps((-3 * HOUR, 100), (10 * MINUTE, 120), (40 * MINUTE, 100))})
        there.run(0, HOUR)
        [fired, resolved] = there.told("shop/Shifted")

        assert (fired[1], resolved[1]) == (FIRED, RESOLVED)
        assert 10 + 2.5 + 2 <= fired[0] / MINUTE <= 10 + 2.5 + 2 + 2
        assert 40 + 2.5 <= resolved[0] / MINUTE <= 40 + 2.5 + 2

    def test_people_read_both_levels(self) -> None:
        """The value is the level of now; facts name what was usual, and by how much it is unusual."""
        there = world({HERE: steps((-3 * HOUR, 100), (10 * MINUTE, 120))})
        there.run(0, 30 * MINUTE)
        view = there.view("shop/Shifted")
        known = dict(view.facts)

        assert view.summary == "now 120"
        assert view.reason == "120 over the last 5m, 100 was usual before"
        assert (known["value"], known["usual"]) == ("120 (median of 5m)", "100 (median of the 2h before)")
        assert known["deviations"].endswith("(a shift from 5)")

    @pytest.mark.parametrize(
        ("direction", "level", "fires"),
        [("above", 120, True), ("below", 120, False), ("above", 80, False), ("below", 80, True), ("both", 80, True)],
    )
    def test_direction(self, direction: str, level: float, fires: bool) -> None:
        """Only the side that was asked for."""
        text = TEXT.replace("after: 5m", f"after: 5m, direction: {direction}")
        there = world({HERE: steps((-3 * HOUR, 100), (10 * MINUTE, level))}, text)
        there.run(0, 30 * MINUTE)

        assert bool(there.told("shop/Shifted")) is fires

    def test_what_is_within_the_margin_is_none(self) -> None:
        """However many deviations it is away."""
        for level, fires in ((104.9, False), (105.1, True)):
            there = world({HERE: flat(100, level)})
            there.run(0, 30 * MINUTE)
            assert bool(there.told("shop/Shifted")) is fires

    def test_a_level_that_never_differed(self) -> None:
        """Any difference beyond the margin is a shift then; of zero there is no margin."""
        there = world({HERE: flat(0, 0.001)})
        there.run(0, 15 * MINUTE)

        assert dict(there.view("shop/Shifted").facts)["deviations"] == "any, for it never differed before"

    def test_a_spike_is_no_shift(self) -> None:
        """Also one that is as high as can be, for two minutes of five."""
        there = world({HERE: steps((-3 * HOUR, 100), (600, 1e9), (720, 100), (1500, 0), (1610, 100))})
        there.run(0, 45 * MINUTE)

        assert there.told("shop/Shifted") == []

    def test_an_outage_in_the_history_changes_nothing(self) -> None:
        """A third of the history at another level neither hides a shift nor makes one."""
        there = world({HERE: steps((-3 * HOUR, 100), (-90 * MINUTE, 0), (-50 * MINUTE, 100), (600, 150))})
        there.run(0, 9 * MINUTE)
        assert there.told("shop/Shifted") == []
        there.run(9 * MINUTE, 30 * MINUTE)

        assert [kind for _, kind in there.told("shop/Shifted")] == [FIRED]

    def test_a_new_level_becomes_usual(self) -> None:
        """After half of the history at the latest the alert is over, and going back is a shift again."""
        there = world({HERE: steps((-3 * HOUR, 100), (600, 150), (4 * HOUR, 100))})
        there.run(0, 4 * HOUR, 60)
        first, second = there.told("shop/Shifted")
        assert (first[1], second[1]) == (FIRED, RESOLVED)
        assert 40 * MINUTE < second[0] - first[0] <= 70 * MINUTE
        there.run(4 * HOUR, 4.5 * HOUR, 60)

        assert there.told("shop/Shifted")[2][1] == FIRED

    def test_rows_are_alerts_of_their_own(self) -> None:
        """One shifts, the other does not."""
        other = labels_of({"job": "shop", "q": "b"})
        there = world({HERE: steps((-3 * HOUR, 100), (600, 120)), other: noise(100, 2)})
        there.run(0, 30 * MINUTE)

        assert there.view("shop/Shifted").identity.labels == HERE

    def test_an_end_says_why(self) -> None:
        """The level is back, the new one is usual or on the other side, or levels differ more by now."""

        def reason(level: float, *levels: float, more: str = "") -> str:
            text = TEXT.replace("after: 5m", f"after: 5m{more}")
            there = world(
                {HERE: lambda second: level if second > -300 else levels[int(second // 300) % len(levels)]}, text
            )
            there.tick(0)
            question = there.watch.alerts[0]
            assert isinstance(question, LevelShiftQuestion)
            [sample] = question.seen.rows.values()
            assert sample.truth is Truth.FALSE
            return sample.reason

        assert reason(102, 100) == "102 over the last 5m, 100 is usual: within 5%"
        assert reason(120, 100, more=", direction: below") == "120 over the last 5m, 100 is usual: not below it"
        assert reason(120, 90, 100, 110, 100) == (
            "120 over the last 5m, 100 is usual: 2.7 deviations away, where 5 are a shift"
        )


class TestNotKnowing:
    """Nobody could look: it neither fires nor ends."""

    def test_too_little_history(self) -> None:
        """Less than half of it makes it blind, with the reason, and a shift in that time fires nothing."""
        there = world({HERE: steps((-50 * MINUTE, 100), (0, 200))})
        there.run(0, 10 * MINUTE, 60)

        assert there.told("shop/Shifted", (FIRED, BLIND)) == [(0, BLIND)]
        assert state(there) == "less than half of the 2h before is known"

    def test_it_sees_when_half_of_the_history_is_there(self) -> None:
        """Twelve stretches of 24."""
        there = world({HERE: steps((-50 * MINUTE, 100))})
        there.run(0, 30 * MINUTE, 60)
        [_, (second, kind)] = there.told("shop/Shifted", (BLIND, SIGHTED))

        assert kind is SIGHTED
        assert 15 * MINUTE <= second <= 21 * MINUTE

    def test_a_gap_is_bridged_and_a_long_one_is_blind(self) -> None:
        """Half of the last stretch has to be known; what fires ends by evidence alone."""
        parts = ((-3 * HOUR, 100), (600, 150), (1500, None), (2400, 150), (3000, 100))
        there = world({HERE: steps(*parts)})
        there.run(0, 2385)
        assert there.told("shop/Shifted", (FIRED, RESOLVED, BLIND))[-1][1] is BLIND
        assert 1500 + 120 <= there.told("shop/Shifted", (BLIND,))[0][0] <= 1500 + 270
        assert state(there) == "its row is missing"
        there.run(2400, 2475)
        assert state(there).startswith("only ")
        assert state(there).endswith(" of 30 values of the last 5m are known")
        there.run(2490, 3600)

        kinds = [kind for _, kind in there.told("shop/Shifted", (FIRED, RESOLVED, BLIND, SIGHTED))]
        assert kinds == [FIRED, BLIND, SIGHTED, RESOLVED]

    def test_a_row_that_is_gone_may_be_over(self) -> None:
        """If the definition says so."""
        text = TEXT.replace("severity: warning", "severity: warning\n        on_missing: resolve")
        there = world({HERE: steps((-3 * HOUR, 100), (600, 150), (1500, None))}, text)
        there.run(0, 2400)

        assert [kind for _, kind in there.told("shop/Shifted")] == [FIRED, RESOLVED]
        assert 1500 + 120 < there.told("shop/Shifted")[1][0] < 1500 + 150 + 90

    def test_gaps_of_the_history_are_no_levels(self) -> None:
        """NaN, infinity and nothing at all, a third of the time: silent, then a shift is seen."""

        def curve(second: float) -> float | None:
            if second // 10 % 3 == 0:
                return (None, math.nan, math.inf)[int(second // 30 % 3)]
            return noise(100 if second < 600 else 120)(second)

        there = world({HERE: curve})
        there.run(0, 9 * MINUTE)
        assert there.told("shop/Shifted") == []
        there.run(9 * MINUTE, 30 * MINUTE)

        assert [kind for _, kind in there.told("shop/Shifted")] == [FIRED]

    def test_a_source_that_is_down_ends_nothing(self) -> None:
        """Not even the answer of a second ago holds."""
        there = world({HERE: steps((-3 * HOUR, 100), (600, 150), (1200, 100))})
        there.run(0, 1200)
        there.source.down = "connection refused"
        there.run(1215, 1800)
        assert state(there) == "connection refused"
        there.source.down = ""
        there.run(1815, 2000)

        kinds = [kind for _, kind in there.told("shop/Shifted", (FIRED, RESOLVED, BLIND, SIGHTED))]
        assert kinds == [FIRED, BLIND, SIGHTED, RESOLVED]

    def test_a_partial_answer_is_none(self) -> None:
        """A level of a part of the rows may be another level."""
        there = world({HERE: noise(100)})
        there.source.partial = True
        there.tick(0)

        [state] = there.memory.alerts.values()
        assert (state.phase, state.blind_since is None) == (Phase.INACTIVE, False)
        assert there.watch.alerts[0].seen.rest.sample.reason == "partial answer"  # type: ignore[attr-defined]

    def test_a_refusal_is_repeated_less_and_less(self) -> None:
        """A question that fails for good costs little, and stays a failure of every look."""
        there = world({HERE: noise(100)})
        there.source.refuses["depth"] = "query processing would load too many samples"
        there.run(0, HOUR)
        asked = [query for query in there.source.asked if query == SERIES]
        assert len(asked) < 12
        there.source.refuses.clear()
        there.run(HOUR + 15, 2 * HOUR)

        assert isinstance(question := there.watch.alerts[0], LevelShiftQuestion)
        assert question.seen.complete


class TestCost:
    """A question costs what it has to."""

    def test_history_is_read_once(self) -> None:
        """A stretch each five minutes, the last one each minute, and nothing in between."""
        there = world({HERE: noise(100)})
        there.tick(0)
        first = there.source.asked.count(SERIES)
        there.run(15, HOUR)

        assert first == 2
        assert there.source.asked.count(SERIES) - first == 60 + 12

    def test_many_histories_are_read_over_several_looks(self) -> None:
        """No look waits for all of them, and it is said that they are being read; new stretches are read at once."""
        shift = "{level_shift: {series: 'depth{job=\"shop\"}', history: 2h, after: 5m}, severity: info}"
        there = world({HERE: flat(100, 100)}, "alerts:\n" + "\n".join(f"  A{number}: {shift}" for number in range(40)))
        for look, whole in enumerate((16, 32, 40)):
            there.tick(15 * look)
            seen = [question.seen for question in there.watch.alerts]  # type: ignore[attr-defined]
            assert [each.complete for each in seen].count(True) == whole
            if whole < len(seen):
                assert seen[-1].rest.sample.reason == "its history is still being read"
        for second in range(90, 690, 60):  # all of them at once
            there.tick(second)
            assert all(question.seen.complete for question in there.watch.alerts)  # type: ignore[attr-defined]

    def test_long_histories_are_read_in_parts(self) -> None:
        """336 stretches in six requests, newest last; one that fails in between goes on where it was."""
        there = world({HERE: lambda second: 100.0}, TEXT.replace("2h", "28h"))
        there.tick(0)

        assert there.source.asked.count(SERIES) == 6 + 1

    def test_a_reload_keeps_what_was_read(self) -> None:
        """An alert that is the same asks for no history again; one that changed does."""
        there = world({HERE: noise(100)})
        there.tick(0)
        before = there.watch
        for text, more in ((TEXT, 0), (TEXT.replace("after: 5m", "after: 5m, deviations: 6"), 2)):
            there.restart(shop(text))
            there.watch.inherit(before)
            count = there.source.asked.count(SERIES)
            there.tick(15)
            assert there.source.asked.count(SERIES) - count == more

    def test_a_clock_that_goes_back_reads_anew(self) -> None:
        """What lies in the future is no history."""
        there = world({HERE: steps((-9 * HOUR, 100))})
        there.tick(HOUR)
        there.tick(0)
        question = there.watch.alerts[0]
        assert isinstance(question, LevelShiftQuestion)

        levels = question.levels
        assert levels.high * levels.length.milliseconds <= START.timestamp() * 1000 - levels.length.milliseconds
        assert {min(each) >= levels.low and max(each) < levels.high for each in levels.levels.values()} == {True}

"""What becomes of questions to the metric source, by the class of answer; and the rules that nobody can look at."""

from contextlib import nullcontext
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.alerts import NOON
from tests.fakes import FakeSource
from tests.unit.test_long_runs import Rig

from tocsin.errors import QuestionTooLongError, SourceError, SourceUnreachableError
from tocsin.ports import Answer
from tocsin.service.counted import CountedSource
from tocsin.service.delivery import nobody
from tocsin.service.scraped import StandingMetrics


class Refuser(FakeSource):
    """Raises what it is told to."""

    error: SourceError | None = None

    def instant(self, query: str, at: datetime) -> Answer:
        """Raise it, if there is any."""
        if self.error is not None:
            raise self.error
        return super().instant(query, at)


@pytest.mark.parametrize(
    ("error", "counted"),
    [
        (None, "answered"),
        (SourceUnreachableError("connection refused"), "unreachable"),
        (QuestionTooLongError("too long query"), "too_long"),
        (SourceError("execution: too many samples"), "refused"),
    ],
)
def test_each_answer_has_a_class(error: SourceError | None, counted: str) -> None:
    """The error itself is handed on as it is."""
    source, classes = Refuser(), list[str]()
    source.error = error
    asked = CountedSource(source, classes.append)
    with pytest.raises(SourceError) if error else nullcontext() as raised:
        asked.instant("vector(1)", NOON)

    assert raised is None or raised.value is error
    assert classes == [counted]


def test_an_answer_in_part_is_none_of_all() -> None:
    """Whatever kind of question it was."""
    classes = list[str]()
    asked = CountedSource(FakeSource(partial=True), classes.append)
    asked.range("vector(1)", NOON, NOON, timedelta(seconds=15))
    asked.raw("level", NOON - timedelta(hours=1), NOON)

    assert classes == ["partial"] * 2


def test_rules_that_nobody_can_look_at_are_named(tmp_path: Path) -> None:
    """With the time since when; none of all of them while the source is away, and none that is seen."""
    rig, seen = Rig(tmp_path / "state.db"), list[dict[str, float]]()
    scraped = StandingMetrics(rig.evaluator.board, rig.store, rig.clock, nobody)
    for refuses, down in (({}, ""), ({"other": "bad_data: no"}, ""), ({"other": "bad_data: no"}, ""), ({}, "refused")):
        rig.source.refuses, rig.source.down = refuses, down
        rig.tick(1)
        [found] = [each for each in scraped.collect() if each.name == "tocsin_rule_last_success_timestamp_seconds"]
        seen.append({sample.labels["rule"]: sample.value for sample in found.samples})
    since = (NOON + timedelta(seconds=30)).timestamp()
    rig.store.close()

    assert seen == [{}, {"shop/Steady": since}, {"shop/Steady": since}, {}]

"""Everything breaks at once: a storm of alerts through the whole service, measured as `bench.storm` does."""

from pathlib import Path

import pytest
from bench.storm import Result, play

pytestmark = pytest.mark.real


def told_well(result: Result) -> None:
    """Nothing lost, the critical ones first, few messages where people read, none of them long."""
    assert (result.lost, result.overtaken) == (0, 0)
    assert result.messages["pager"] == 2 * result.alerts // 4 + result.twice
    assert result.twice < 10  # a machine so busy that an answer takes ten seconds
    assert result.messages["email"] <= 12
    assert result.messages["slack"] <= 12
    assert result.largest["email"] < 200_000
    assert result.largest["slack"] < 40_000
    assert result.largest["pager"] < 4_000


@pytest.mark.timeout(180)
def test_six_hundred_alerts_at_once(tmp_path: Path) -> None:
    """Of thirty services: 150 incidents, and a handful of mails and Slack messages."""
    result = play(tmp_path, 600, str(tmp_path / "state.db"), "1s")

    told_well(result)
    assert result.peak - result.before < 60


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_ten_thousand_alerts_at_once(tmp_path: Path) -> None:
    """The process grows by less than 40 kB for each of them."""
    result = play(tmp_path, 10_000, str(tmp_path / "state.db"))

    told_well(result)
    assert result.peak - result.before < 400

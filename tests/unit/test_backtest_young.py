"""Back-tests of services that are young, and of those that only were away."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from tests import builders

from tocsin.backtest.replay import replay
from tocsin.backtest.ticks import Ticks
from tocsin.backtest.traffic import SloReplay
from tocsin.evaluate import burn
from tocsin.ledger.counts import Counts
from tocsin.windows import WORKBOOK

START = datetime(2026, 11, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LENGTH, BIRTH = 2100, 2000
"""Minutes of the history, and the one from which on two percent of 600 events a minute fail."""


def fires(*before: range, every: bool) -> int:
    """Minutes from BIRTH until the fast tier fires, where there were events in the stretches *before*, all good.

    *every* tick from then on is asked, or those that matter.
    """
    seen = np.zeros(LENGTH)
    seen[BIRTH:] = 1
    for stretch in before:
        seen[stretch.start : stretch.stop] = 1
    bad = np.where(np.arange(LENGTH) >= BIRTH, 12.0, 0.0)
    slo = builders.slo(tiers=WORKBOOK)
    counts = Counts.apart(int(START.timestamp()) // 60, 60, 600 * seen, bad, 60 * seen)
    ticks = Ticks.between(START, START + LENGTH * MINUTE)
    member = SloReplay.of(slo, {(): counts}, ticks)
    if every:
        member.due[BIRTH:] = True
    rules = {rule.id: rule for rule in burn.rules(builders.service(slos=(slo,)), slo)}
    episodes = replay([(member, tuple(rules))], rules, {}, (), ticks).episodes
    found = next(one for one in episodes if one.rule == burn.tier_id(slo, WORKBOOK[0]))
    assert found.fired_at is not None
    return (found.fired_at - START) // MINUTE - BIRTH


@pytest.mark.parametrize("every", [True, False])
def test_a_young_service_pages_once_its_share_of_the_budget_is_spent(every: bool) -> None:
    """0.0144 of an hour at two percent are 43.2 minutes, as in the rules; what was before is taken to be clean."""
    assert fires(every=every) == 44


@pytest.mark.parametrize("every", [True, False])
def test_who_was_away_for_hours_is_not_young(every: bool) -> None:
    """Also where there were only a few minutes of events before: the first three bad ones page."""
    assert fires(range(BIRTH - 304, BIRTH - 300), every=every) == 1


@pytest.mark.parametrize("every", [True, False])
def test_who_was_away_for_more_than_a_day_is_young(every: bool) -> None:
    """As in the rules, which forget a life after a day."""
    assert fires(range(100, 500), every=every) == 44

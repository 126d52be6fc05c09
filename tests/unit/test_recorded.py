"""Whatever rules read of our own recordings, some rule records: else an alert never fires, and promtool is silent."""

import re
from itertools import combinations
from pathlib import Path

import pytest

from tocsin.definitions import read_definitions
from tocsin.plan import plan
from tocsin.plan.build import feasible_tiers
from tocsin.plan.model import RecordingRule
from tocsin.plan.series import rates

TIERS = ("fast", "steady", "slow", "trickle")
SETS = [off for count in range(len(TIERS)) for off in combinations(TIERS, count)]
PERIODS = ("window: 30d", "window: 7d", "window: {calendar: month, timezone: UTC}")
ALONE = ("", "no_traffic: {alert: false, reason: batch}, ")


def written(path: Path, period: str, absence: str, off: tuple[str, ...]) -> str:
    """One objective with some tiers switched off."""
    path.write_text(
        "apiVersion: tocsin/v1\nkind: Service\nname: shop\nscrape: {targets: ['shop:1']}\n"
        'slis: {a: {ratio: {bad: \'r_total{job="shop",code="500"}\', total: \'r_total{job="shop"}\'}}}\n'
        f"slos:\n  s: {{sli: a, target: 99.5%, {period}, {absence}burn_rate: {{off: [{', '.join(off)}]}}}}\n"
    )
    return str(path)


@pytest.mark.parametrize("absence", ALONE)
@pytest.mark.parametrize("period", PERIODS)
def test_every_recording_that_is_read_is_made(tmp_path: Path, period: str, absence: str) -> None:
    """For each set of tiers, over each kind of period, with and without the alert about traffic."""
    for off in SETS:
        definitions = read_definitions([written(tmp_path / "shop.yaml", period, absence, off)])
        (slo,) = definitions.workspace.services[0].slos
        rules = [rule for group in plan(definitions.workspace)[0].groups for rule in group.rules]
        made = {rule.record for rule in rules if isinstance(rule, RecordingRule)}
        read = {name for rule in rules for name in re.findall(r"\bslo:[a-z_]+:[a-z0-9_]+", rule.expr)}

        assert read <= made, (off, read - made)
        earlier: set[str] = set()
        for rate in rates(slo, feasible_tiers(slo)):
            assert rate.tile is None or rate.tile_name in earlier, (off, rate)
            earlier.add(rate.name)

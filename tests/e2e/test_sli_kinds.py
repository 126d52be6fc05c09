"""Every SLI kind through the compiled rules in promtool: an outage pages at the computed minute, quiet times do not."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from tests.oracle import read_by

from tocsin.adapters.promtool import LEAN
from tocsin.plan import plan
from tocsin.targets.prometheus import rule_file
from tocsin.workspace import Source, read_workspace

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

DEFINITIONS = """\
apiVersion: tocsin/v1
kind: Service
name: shop
slis:
  selectors: {ratio: {bad: 'r_total{code="500"}', total: r_total}}
  own-rate: {ratio: {bad: 'sum(rate(r_total{code="500"}[$window]))', total: 'sum(rate(r_total[$window]))'}}
  own-increase: {ratio: {good: 'increase(r_total{code="200"}[$window])', total: 'increase(r_total[$window])'}}
  raw: {raw: {error_ratio: 'sum(rate(r_total{code="500"}[$window])) / sum(rate(r_total[$window]))'}}
  raw-now: {raw: {success_ratio: hit_ratio}}
  speed: {latency: {histogram: h_seconds, within: 1s}}
  no-bucket: {latency: {histogram: h_seconds, within: 2s}}
  up: {probe: {up: up}}
  depth: {threshold: {value: depth, at_most: 5}}
  backup: {freshness: {last_success: done_seconds, within: 10m}}
slos:
  selectors: {sli: selectors, target: 99.9%}
  own-rate: {sli: own-rate, target: 99.9%}
  own-increase: {sli: own-increase, target: 99.9%}
  raw: {sli: raw, target: 99.9%}
  raw-now: {sli: raw-now, target: 99.9%}
  speed: {sli: speed, target: 99.9%}
  no-bucket: {sli: no-bucket, target: 99.9%}
  up: {sli: up, target: 99.9%}
  depth: {sli: depth, target: 99.9%}
  backup: {sli: backup, target: 99.9%}
  routes: {sli: selectors, target: 99.9%, group_by: [route]}
"""
START = 150
"""Minutes of good times before an outage."""
OUTAGE = {
    'r_total{code="200",route="/a"}': f"0+60x{START} {START * 60}+0x60",
    'r_total{code="500",route="/a"}': f"0+0x{START} 60+60x60",
    'r_total{code="200",route="/b"}': f"0+60x{START + 60}",
    "hit_ratio": f"1x{START} 0x60",
    "h_seconds_count": f"0+60x{START + 60}",
    'h_seconds_bucket{le="1"}': f"0+60x{START} {START * 60}+0x60",
    "up": f"1x{START} 0x60",
    "depth": f"3x{START} 9x60",
    "done_seconds": f"0+60x{START} {START * 60}x60",
}
IDLE = {
    'r_total{code="200",route="/a"}': "7x180",
    "hit_ratio": "NaN" + " NaN" * 180,
    "h_seconds_count": "7x180",
    'h_seconds_bucket{le="1"}': "7x180",
    "up": "1x180",
    "depth": "NaN" + " NaN" * 180,
    "done_seconds": "0+60x180",
}
COUNTED = ('r_total{code="200",route="/a"}', "h_seconds_count", 'h_seconds_bucket{le="1"}')
PAGES = {
    # the ratio over an hour passes 14.4 x 0.1 % after 0.864 minutes of a total outage: the next evaluation is minute 1
    "selectors": 2,  # half of the requests fail
    "own-rate": 2,
    "own-increase": 2,
    "raw": 2,
    "raw-now": 1,
    "speed": 1,
    "up": 1,
    "depth": 1,
    "backup": 11,  # it is too old from minute 11 on
    "routes": 1,
}


def promtool(folder: Path, series: dict[str, str], asked: list[dict[str, object]]) -> str:
    """What differs from what is expected, in promtool's words."""
    workspace, findings = read_workspace([Source("shop.yaml", DEFINITIONS)])
    assert findings == ()
    groups = read_by([str(each["expr"]) for each in asked], plan(workspace)[0].groups)
    (folder / "rules.yml").write_text(rule_file(groups), encoding="utf-8")
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": asked,
    }
    file = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [test]}
    (folder / "test.yml").write_text(json.dumps(file), encoding="utf-8")
    run = subprocess.run(
        ["promtool", "test", "rules", "test.yml"],
        cwd=folder,
        env=LEAN | os.environ,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    return "" if run.returncode == 0 else run.stdout + run.stderr


def firing(what: str, minute: int, slos: list[str]) -> dict[str, object]:
    """Exactly the objectives *slos* have this alert at this minute."""
    return {
        "expr": f'count by (slo) (ALERTS{{alertstate="firing",{what}}})',
        "eval_time": f"{minute}m",
        "exp_samples": [{"labels": f'{{slo="{slo}"}}', "value": 1} for slo in slos],
    }


def test_an_outage_pages_at_the_computed_minute(tmp_path: Path) -> None:
    """Not a minute earlier or later; a latency without its bucket says that it is broken; a group is told by name."""
    asked = [
        firing('tier="fast"', START + minute, [slo for slo, first in PAGES.items() if first <= minute])
        for minute in range(13)
    ]
    asked.append(firing('alertname="SliBroken"', START, ["no-bucket"]))
    asked.append(
        {
            "expr": 'count by (route) (ALERTS{alertstate="firing",slo="routes",tier="fast"})',
            "eval_time": f"{START + 12}m",
            "exp_samples": [{"labels": '{route="/a"}', "value": 1}],
        }
    )

    assert promtool(tmp_path, OUTAGE, asked) == ""


def test_idle_times_are_silent(tmp_path: Path) -> None:
    """Counters that stand still, ratios that are NaN: nothing is known, so nothing fires."""
    assert promtool(tmp_path, IDLE, [firing('alertname!=""', minute, []) for minute in (10, 60, 120, 180)]) == ""


def test_no_error_series_is_no_error(tmp_path: Path) -> None:
    """Where no error was ever counted the ratio is 0, for all kinds that count; a raw ratio cannot know."""
    clean = ["own-increase", "own-rate", "selectors", "speed"]
    asked: list[dict[str, object]] = [
        {
            "expr": f'slo:bad:rate1h{{slo=~"{"|".join(clean)}"}} / (slo:total:rate1h > 0)',
            "eval_time": "3h",
            "exp_samples": [{"labels": f'{{service="shop",slo="{slo}"}}', "value": 0} for slo in clean],
        },
        firing('alertname="ErrorBudgetBurn"', 180, []),
    ]

    assert promtool(tmp_path, dict.fromkeys(COUNTED, "0+60x180"), asked) == ""

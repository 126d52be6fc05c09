"""How long the alert about absent traffic may wait, with promtool as the judge."""

import pytest
from tests.oracle import ask, firing, groups_of, minutes

_HOUR = 3600
_STEP = 300


@pytest.mark.timeout(300)
def test_it_fires_below_the_limit_and_never_at_it() -> None:
    """With `for: 23h` it fires before a day is over, with `for: 1d` never; `slo/traffic` finds the second."""
    text = """\
slis:
  a: {ratio: {bad: bad_total, total: all_total}}
slos:
  long: {sli: a, target: 99%, window: 7d, no_traffic: {for: 23h}}
  longest: {sli: a, target: 99%, window: 7d, no_traffic: {for: 1d}}
"""
    hours = 30
    flat = f"0+300x{hours * 12} {300 * hours * 12}+0x{hours * 12}"
    at = [_HOUR * hours + minute * 60 for minute in range(22 * 60, 26 * 60, 10)]
    names = ["long", "longest"]
    found = ask(
        groups_of(text),
        {"all_total": flat, "bad_total": f"0+0x{hours * 24}"},
        [(firing("TrafficAbsent", slo=name), second) for name in names for second in at],
        step=_STEP,
        evaluation=_STEP,
    )
    fires = {
        name: minutes(zip(at, found[n * len(at) : (n + 1) * len(at)], strict=True)) for n, name in enumerate(names)
    }

    assert fires["long"]
    assert fires["longest"] == []

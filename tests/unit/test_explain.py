"""What `tocsin explain` says of alerts."""

from pathlib import Path

from tocsin.definitions import read_definitions
from tocsin.explain.chart import Line, as_svg
from tocsin.explain.conditions import sentence


def test_each_kind_of_alert_has_a_sentence() -> None:
    """Hysteresis, absence and anomalies say what they wait for."""
    folder = Path(__file__).parents[1] / "golden" / "conditions"
    workspace = read_definitions([str(path) for path in sorted(folder.glob("*.y*ml"))]).workspace
    said = {alert.name: sentence(alert) for service in workspace.services for alert in service.alerts}

    assert said["QueueTooLong"] == "threshold: fires above 100; hysteresis: what fires stays until it is below 50"
    assert said["TillGone"] == 'absence: fires while up{job="till",instance=~"a|b"} is not there'
    assert said["OddTraffic"].endswith("silent until 15d18h are known")
    assert said["ShopStandsStill"].startswith("composite: fires while all of shop/QueueTooLong, shop/uptime:fast fire")


def test_a_line_that_lies_on_another_is_dashed() -> None:
    """10 % of the budget in a day and in three days are one line: both can be seen."""
    lines = (Line("fast", 0.0144, 3600), Line("slow", 0.003, 86_400), Line("trickle", 0.001, 259_200))
    drawn = [line for line in as_svg(lines, "a <b>").splitlines() if 'fill="none"' in line]

    assert ["dasharray" in line for line in drawn] == [False, False, True]
    assert "a &lt;b&gt;" in as_svg(lines, "a <b>")

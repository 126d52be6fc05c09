"""What `tocsin explain` says of alerts."""

from pathlib import Path

from tocsin.definitions import read_definitions
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

"""Anomalies to rules: seasonal baselines that outages do not get into (decision 0010).

Recorded every minute or two, in a group of their own, for each row of the series:

| series | what it is |
|---|---|
| `anomaly:value` | the series itself |
| `anomaly:usual{season="1"}`, 2, 3 | its median around the same time that many seasons ago |
| `anomaly:residual{season}` | value less usual |
| `anomaly:drift{season}` | the median residual of the last season: growth since then |
| `anomaly:spread{season}` | what a residual usually differs from the drift by: interquartile range / 1.349 |
| `anomaly:score{season}` | (residual - drift) / spread, where the spread is at least what the margin makes of it |
| `anomaly:expected` | usual and drift, the median over seasons |

The alert fires where at least two seasons agree that the score is beyond the bound. So an outage a season ago, which
makes one season wrong, changes nothing; medians and quartiles do not move by what is shorter than a quarter of a
season; and a value that stays at a new level is the new normal after a quarter of a season. It is silent until two
seasons and a quarter are known.
"""

from collections.abc import Iterator, Mapping

from tocsin.plan.model import RecordingRule
from tocsin.ports import Labels, labels_of
from tocsin.promql import matchers
from tocsin.spec import AlertRule, Anomaly
from tocsin.units import Duration, literal

SEASONS = 3
AGREE = 2
"""Seasons that have to say the same."""
QUARTILES = 1.349
"""The interquartile range of the normal distribution, in standard deviations."""
_MINUTE = 60_000
_POINTS = 5_040
"""Values per season: of a week, one every two minutes."""
_LOOKBACK = 4
"""Minutes that a recorded value may be old; Prometheus looks back five."""


def interval_of(anomaly: Anomaly) -> Duration:
    """How often the baseline is recorded."""
    minutes = round(anomaly.season.milliseconds / _MINUTE / _POINTS)
    return Duration(min(_LOOKBACK, max(1, minutes)) * _MINUTE)


def smoothing(anomaly: Anomaly) -> Duration:
    """How wide *the same time* is: a 48th of a season, 30 minutes of a day."""
    seconds = max(anomaly.season.milliseconds // 48_000, 2 * interval_of(anomaly).milliseconds // 1000)
    return Duration(seconds // 2 * 2 * 1000)


def learning(anomaly: Anomaly) -> Duration:
    """How long it takes until the alert can speak."""
    return Duration(anomaly.season.milliseconds * 9 // 4)


def remembered(anomaly: Anomaly, seasons: int = AGREE) -> Duration:
    """How long samples have to be kept for so many seasons."""
    return Duration(seasons * anomaly.season.milliseconds + smoothing(anomaly).milliseconds // 2)


def labels_of_baseline(alert: AlertRule) -> Labels:
    """What all series of one baseline have in common."""
    return labels_of({"service": alert.service, "alert": alert.name})


def expression(alert: AlertRule, anomaly: Anomaly) -> str:
    """The alert's condition; its value is that of the series."""
    selector, bound = matchers(labels_of_baseline(alert)), literal(anomaly.deviations)
    sides = {"above": f"> {bound}", "below": f"< -{bound}"}
    chosen = [sides[anomaly.direction]] if anomaly.direction in sides else list(sides.values())
    votes = [f"count without (season) (anomaly:score{selector} {side}) >= {AGREE}" for side in chosen]
    return f"anomaly:value{selector}\nand\n(\n  " + "\n  or\n  ".join(votes) + "\n)"


def pictured(alert: AlertRule, anomaly: Anomaly) -> Mapping[str, str]:
    """What there is to see of it, by name: the value, what was expected, and from where on it is unusual.

    Where `AGREE` seasons have to say that a value is too high, the bound is that many lowest bounds' highest.
    """
    selector, bound = matchers(labels_of_baseline(alert)), literal(anomaly.deviations)
    usual = f"anomaly:usual{selector} + anomaly:drift{selector}"
    far = f"{bound} * (anomaly:spread{selector} > {_least(anomaly, selector)} or {_least(anomaly, selector)})"
    curves = {
        "value": f"anomaly:value{selector}",
        "expected": f"anomaly:expected{selector}",
        "unusual above": f"max without (season) (bottomk without (season) ({AGREE}, {usual} + {far}))",
        "unusual below": f"min without (season) (topk without (season) ({AGREE}, {usual} - {far}))",
    }
    away = {"above": "unusual below", "below": "unusual above"}.get(anomaly.direction)
    return {name: text for name, text in curves.items() if name != away}


def recordings(alert: AlertRule, anomaly: Anomaly) -> Iterator[RecordingRule]:
    """The baseline, each series behind those that it is made of."""
    labels, selector = labels_of_baseline(alert), matchers(labels_of_baseline(alert))
    season, whole = anomaly.season.milliseconds, str(anomaly.season)

    def record(name: str, expr: str, **more: str) -> RecordingRule:
        return RecordingRule(f"anomaly:{name}", expr, labels_of(dict(labels) | more), alert.span)

    yield record("value", anomaly.series.text.strip())
    width = smoothing(anomaly)
    for number in range(1, SEASONS + 1):
        back = Duration(number * season - width.milliseconds // 2)
        usual = f"quantile_over_time(0.5, anomaly:value{selector}[{width}] offset {back})"
        yield record("usual", usual, season=str(number))
    yield record("residual", f"-(anomaly:usual{selector} - ignoring (season) group_left () anomaly:value{selector})")
    enough = season // interval_of(anomaly).milliseconds // 4
    residual = f"anomaly:residual{selector}[{whole}]"
    yield record("drift", f"quantile_over_time(0.5, {residual})\nand count_over_time({residual}) >= {enough}")
    yield record(
        "spread", f"(quantile_over_time(0.75, {residual}) - quantile_over_time(0.25, {residual})) / {QUARTILES}"
    )
    least = _least(anomaly, selector)
    yield record(
        "score",
        f"(anomaly:residual{selector} - anomaly:drift{selector})\n"
        f"/ (\n"
        f"  anomaly:spread{selector} > {least}\n"
        f"  or {least}\n"
        f")",
    )
    yield record("expected", f"quantile without (season) (0.5, anomaly:usual{selector} + anomaly:drift{selector})")


def note(alert: AlertRule, anomaly: Anomaly) -> str:
    """What a reader of the rules should know."""
    return (
        f"{alert.name} is silent until {learning(anomaly)} are recorded (two seasons and a quarter), "
        f"for which samples have to be kept for {remembered(anomaly)}; with {remembered(anomaly, SEASONS)} "
        "it compares with three seasons"
    )


def _least(anomaly: Anomaly, selector: str) -> str:
    """The least spread that counts: what the margin makes of what is expected."""
    part = f"{float(anomaly.margin / anomaly.deviations):.6g}"
    return f"abs(anomaly:usual{selector} + anomaly:drift{selector}) * {part}"

"""Manual pages of conditions of alerts."""

from tocsin.codes.page import page

PAGES: dict[str, str] = {
    "alert/condition": page(
        "An alert has exactly one condition.",
        "Either a value with above or below, or an expression that returns rows only where something is "
        "wrong; two conditions contradict each other.",
        "`value:`, `above:` and `expr:` in one alert",
        "`value: queue_depth` with `above: 100`",
    ),
    "alert/confidence": page(
        "The confidence of a forecast is between 50 % and 100 %.",
        "Below it the band would be narrower than a guess, at 100 % infinitely wide.",
        "`confidence: 100%`",
        "`confidence: 95%`",
    ),
    "alert/evaluated": page(
        "Rules can say when an alert fires.",
        "A level shift is decided by `tocsin serve` alone, and so is an alert that is made of one: it is in no rule, "
        "and without the evaluator nobody is told.",
        "`level_shift: {series: …}` where Prometheus' rules are all that runs",
        "the evaluator beside Prometheus; or `anomaly`, which is compiled to rules",
    ),
    "alert/history": page(
        "A level shift has a history that says what is usual, and that is kept.",
        "Levels are medians of stretches as long as `after`. Fewer than 24 of them do not say what is usual, more than "
        "336 are more than a server gives in one answer; and where Prometheus keeps less than half of the history the "
        "alert stays silent for ever.",
        "`history: 2h` with `after: 30m`",
        "`history: 2d` with `after: 30m`",
    ),
    "alert/hysteresis": page(
        "An alert clears on the quiet side of its threshold.",
        "With `clear_below` above `above` it would end while its condition holds, and begin again at once.",
        "`above: 100` with `clear_below: 120`",
        "`above: 100` with `clear_below: 80`",
    ),
    "alert/order": page(
        "What a condition is made of stands above it in its group.",
        "A group is evaluated from top to bottom, so an alert that stands below is seen one evaluation late.",
        "a composite alert above one of its parts, both in `group: shop`",
        "the part above it",
    ),
    "alert/season": page(
        "An anomaly is compared with seasons that are kept.",
        "It needs samples of two seasons. Where Prometheus keeps fewer, the alert stays silent for ever.",
        "`season: 4w` with `retention: 15d`",
        "`season: 1w` with `retention: 15d`",
    ),
}
"""By code."""

"""Manual pages of SLIs."""

from tocsin.codes.page import page

PAGES: dict[str, str] = {
    "sli/bounds": page(
        "A threshold SLI has a bound that values can keep.",
        "With neither at_least nor at_most every value is good; with at_least above at_most none is.",
        "`threshold: {value: queue_depth, at_least: 10, at_most: 5}`",
        "`threshold: {value: queue_depth, at_most: 100}`",
    ),
    "sli/events": page(
        "A ratio counts either bad or good events.",
        "One follows from the other; given both, they may contradict each other.",
        "`{good: …, bad: …, total: …}`",
        "`{bad: …, total: …}`",
    ),
    "sli/histogram": page(
        "A histogram is named by its base name.",
        "Tocsin adds `_bucket` and `_count` itself.",
        "`histogram: request_seconds_bucket`",
        "`histogram: request_seconds`",
    ),
    "sli/window": page(
        "All expressions of an SLI say in one way where their window goes.",
        "Either both are plain selectors, and Tocsin puts the window behind them, or both have `$window`,"
        " and count in the same unit; else their ratio means nothing.",
        "`{bad: 'sum(rate(errors_total[$window]))', total: 'sum(increase(requests_total[$window]))'}`",
        "`{bad: 'sum(rate(errors_total[$window]))', total: 'sum(rate(requests_total[$window]))'}`",
    ),
}
"""By code."""

"""Manual pages of journeys."""

from tocsin.codes.page import page

PAGES: dict[str, str] = {
    "journey/evaluated": page(
        "Rules can say how a journey is combined.",
        "What PromQL cannot say is evaluated by `tocsin serve` alone, and never approximated: without the"
        " evaluator nobody is told.",
        "`worst_of` inside `series`",
        "`series`, `parallel`, `k_of_n` or `weighted`; or the evaluator beside Prometheus",
    ),
    "journey/need": page(
        "A journey needs at least one of its parts, and at most all.",
        "With none it could never fail, with more than there are never succeed.",
        "`k_of_n: {need: 3, of: [a/up, b/up]}`",
        "`k_of_n: {need: 1, of: [a/up, b/up]}`",
    ),
    "journey/size": page(
        "A journey has a size that can be evaluated.",
        "Journeys of journeys multiply; beyond some thousands of parts each evaluation would take longer than"
        " its interval.",
        "a journey of 100 journeys of 100 SLOs each",
        "the services that users notice",
    ),
    "journey/slice": page(
        "A slice is not longer than the window.",
        "The window is judged slice by slice, so it has to hold at least one.",
        "`slice: 2h` with `window: 1h`",
        "`slice: 1m`",
    ),
    "journey/weight": page(
        "A weight is greater than 0.",
        "A part that counts nothing is no part.",
        "`weighted: {shop/uptime: 0}`",
        "the part left out",
    ),
}
"""By code."""

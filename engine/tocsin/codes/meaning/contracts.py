"""Manual pages of contracts."""

from tocsin.codes.page import page

PAGES: dict[str, str] = {
    "sla/credits": page(
        "Credits begin below the target and grow.",
        "Each step is for less uptime than the one before it and gives more back; else a step can never apply.",
        "`{below: 99%, credit: 25%}` above `{below: 99.5%, credit: 10%}`",
        "the other way round",
    ),
    "sla/exclusion": page(
        "An exclusion ends after it starts.",
        "Otherwise nothing is excluded.",
        "`from: 2026-11-01T04:00`, `to: 2026-11-01T02:00`",
        "the two exchanged",
    ),
    "sla/time": page(
        "A time exists, once.",
        "When clocks are put forward an hour is missing, when they are put back one comes twice; a contract "
        "has to say which is meant.",
        "`2026-03-29T02:30` in Europe/Berlin",
        "`2026-03-29T03:30`",
    ),
    "sla/timezone": page(
        "A time zone is one of the IANA database.",
        "Days and months of a contract begin at midnight somewhere.",
        "`timezone: ICT`",
        "`timezone: Asia/Ho_Chi_Minh`",
    ),
}
"""By code."""

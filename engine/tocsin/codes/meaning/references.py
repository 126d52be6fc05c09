"""Manual pages of names and references."""

from tocsin.codes.page import page

PAGES: dict[str, str] = {
    "reference/cycle": page(
        "A journey does not need itself.",
        "Its state would depend on its state.",
        "two journeys that are parts of each other",
        "one of them made of services",
    ),
    "reference/divided": page(
        "Contracts and journeys are made of objectives that are not divided.",
        "An objective with `group_by` is one for each value of a label; a contract or a journey over it "
        "would not know which one is meant.",
        "`covers: shop/by-route`, which has `group_by: [route]`",
        "an objective over the same SLI without `group_by`, named there",
    ),
    "reference/duplicate": page(
        "A name is defined once.",
        "A reference to it could mean either.",
        "two documents `kind: Service`, `name: shop`",
        "two names",
    ),
    "reference/unknown-alert": page(
        "An alert that is named exists.",
        "A test of an alert that does not exist passes and proves nothing.",
        "`alert: QueueTooLnog`",
        "`alert: QueueTooLong`",
    ),
    "reference/unknown-channel": page(
        "A channel that is named is defined.",
        "Messages to it would go nowhere.",
        "`notify: [emial]`",
        "`notify: [email]`",
    ),
    "reference/unknown-interval": page(
        "A time interval that a route names is defined.",
        "The route would be quiet never, or always.",
        "`mute_time_intervals: [wekend]`",
        "`mute_time_intervals: [weekend]`, and `time_intervals: {weekend: [{weekdays: [saturday, sunday]}]}`",
    ),
    "reference/unknown-policy": page(
        "A burn-rate policy that is named is defined.",
        "Without it there are no tiers.",
        "`burn_rate: {policy: workbok}`",
        "`burn_rate: {policy: workbook}`",
    ),
    "reference/unknown-sli": page(
        "An SLI that is named is defined in the same service.",
        "An objective without an indicator cannot be computed.",
        "`sli: availabilty`",
        "`sli: availability`",
    ),
    "reference/unknown-slo": page(
        "An SLO that is named is defined.",
        "A journey or contract over it could not be computed.",
        "`covers: shop/uptme`",
        "`covers: shop/uptime`",
    ),
    "reference/unknown-template": page(
        "A template that is used is defined.",
        "An SLI of a template that does not exist measures nothing.",
        "`template: http-avialability`",
        "`template: http-availability`",
    ),
    "reference/unknown-tier": page(
        "A tier that is named belongs to the policy and is on.",
        "Switching off or testing a tier that does not exist does nothing.",
        "`off: [fats]`",
        "`off: [fast]`",
    ),
}
"""By code."""

"""Manual pages of objectives: targets, windows, tiers and guards."""

from tocsin.codes.page import page

PAGES: dict[str, str] = {
    "slo/budgeting": page(
        "Slices of time are described where an objective counts them.",
        "`timeslices` need the part of events that makes a slice good; other budgetings have no use for it.",
        "`{budgeting: timeslices}`",
        "`{budgeting: timeslices, slice: 1m, slice_target: 95%}`",
    ),
    "slo/group-by": page(
        "An objective is divided by labels of the SLI's series.",
        "service, slo, severity, ref and tier are Tocsin's own, le belongs to the buckets of one histogram, and a "
        "label of the service is the same on all its alerts.",
        "`group_by: [le]`",
        "`group_by: [route]`",
    ),
    "slo/guard-reason": page(
        "Who switches off a guard says why.",
        "Each guard is there because rules without it stay silent or page falsely.",
        "`guards: {cold_start: {enabled: false}}`",
        "`guards: {cold_start: {enabled: false, reason: counters come with their history}}`",
    ),
    "slo/infeasible-tier": page(
        "A tier of a burn rate can fire.",
        "It fires above factor x (1 - target). Where that is 1 or more not even a total outage reaches it, "
        "and the objective is watched by fewer tiers than it seems.",
        "`target: 90%` with the factor 14.4",
        "`burn_rate: {off: [fast]}`, or a policy made for such targets",
    ),
    "slo/loose-tier": page(
        "A tier of a burn rate fires only where the objective is in danger.",
        "With a factor below 1 it fires on a service that keeps its objective.",
        "a tier of 3 days over a window of 2 days",
        "the tier turned off, or a longer window",
    ),
    "slo/no-traffic-reason": page(
        "Who switches off the alert about absent traffic says why.",
        "Without it, a service that stops counting requests looks healthy.",
        "`no_traffic: {alert: false}`",
        "`no_traffic: {alert: false, reason: a nightly job}`",
    ),
    "slo/policy": page(
        "An objective has one policy, or tiers of its own; a policy has a name of its own.",
        "Of two tables it would be unclear which one watches.",
        "`burn_rate: {policy: workbook, tiers: […]}`",
        "`burn_rate: {tiers: […]}`",
    ),
    "slo/significance": page(
        "A significance is a small probability.",
        "It is how likely so many bad events may be by chance: 0.001 is once in a thousand looks.",
        "`low_traffic: {significance: 0.999}`",
        "`low_traffic: {significance: 0.001}`",
    ),
    "slo/target": page(
        "A target is above 0 and below 100 %, and written so that it cannot be mistaken.",
        "At 100 % there is no budget, and each error would break the objective.",
        "`target: 100%`",
        "`target: 99.9%`",
    ),
    "slo/tier": page(
        "A tier has a name of its own, a part of the budget, and a short window below its long one.",
        "The short window ends the alert; as long as the long one it would not.",
        "`{name: fast, budget: 2%, long: 1h, short: 1h}`",
        "`{name: fast, budget: 2%, long: 1h, short: 5m}`",
    ),
    "slo/exclusion": page(
        "An exclusion of an objective ends after it starts.",
        "Otherwise nothing is excluded.",
        "`from: 2026-11-01T04:00`, `to: 2026-11-01T02:00`",
        "the two exchanged",
    ),
    "slo/time": page(
        "A time of an exclusion exists, once.",
        "When clocks are put forward an hour is missing, when they are put back one comes twice; of a calendar period "
        "in such a zone it has to be said which is meant.",
        "`2026-03-29T02:30` with `window: {calendar: month, timezone: Europe/Berlin}`",
        "`2026-03-29T03:30`",
    ),
    "slo/timezone": page(
        "The time zone of a calendar period is one of the IANA database.",
        "Its midnights are where the budget begins anew.",
        "`window: {calendar: month, timezone: ICT}`",
        "`window: {calendar: month, timezone: Asia/Ho_Chi_Minh}`",
    ),
}
"""By code."""

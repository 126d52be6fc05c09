"""Manual pages of what is found when a document is understood: names, references, objectives, contracts."""

from tocsin.codes.page import page

MEANING: dict[str, str] = {
    "alert/condition": page(
        "An alert has exactly one condition.",
        "Either a value with above or below, or an expression that returns rows only where something is "
        "wrong; two conditions contradict each other.",
        "`value:`, `above:` and `expr:` in one alert",
        "`value: queue_depth` with `above: 100`",
    ),
    "channel/kind": page(
        "A channel is of exactly one kind.",
        "One channel is one address; two kinds under one name could not be told apart in a delivery.",
        "`email:` and `slack:` below one channel",
        "two channels",
    ),
    "channel/port": page(
        "A port is a number from 1 to 65535.",
        "There is no other.",
        '`port: "0"`',
        "`port: 587`",
    ),
    "channel/setting": page(
        "A secret stands in one place.",
        "With both env and file it would be unclear which one counts.",
        "`{env: TOKEN, file: /run/token}`",
        "`{file: /run/token}`",
    ),
    "channel/slack": page(
        "Slack is reached by a webhook, or by a token and a channel.",
        "A webhook knows its channel, a token does not.",
        "`slack: {token: {env: TOKEN}}`",
        '`slack: {token: {env: TOKEN}, channel: "#alerts"}`',
    ),
    "channel/tls": page(
        "TLS is one of starttls, tls and none.",
        "Anything else would be sent in the clear or not at all.",
        "`tls: ssl`",
        "`tls: starttls`",
    ),
    "group/reserved": page(
        "A rule group does not have a name that Tocsin uses.",
        "Names with `slo:` and `alerts:` in front belong to generated groups; two groups of one name in one "
        "file are refused by Prometheus.",
        "`group: slo:shop/uptime`",
        "`group: shop-batch`",
    ),
    "group/unused": page(
        "A rule group with settings has a rule.",
        "Settings of a group in which there is nothing do nothing, mostly because its name is misspelt.",
        "`groups: {bacth: {interval: 5m}}`",
        "`groups: {batch: {interval: 5m}}`",
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
    "kubernetes/size": page(
        "An object fits into Kubernetes.",
        "The API server refuses objects of more than about 1.5 MB, and the operator's webhook rules of more "
        "than 512 KiB.",
        "one PrometheusRule with ten thousand rules",
        "services in objects of their own",
    ),
    "labels/reserved": page(
        "Labels that Tocsin sets are not set by hand.",
        "service, slo, severity, ref and tier say what an alert is; routes and inhibitions rely on them.",
        "`labels: {severity: page}`",
        "`severity: critical`",
    ),
    "reference/cycle": page(
        "A journey does not need itself.",
        "Its state would depend on its state.",
        "two journeys that are parts of each other",
        "one of them made of services",
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
    "reference/unknown-tier": page(
        "A tier that is named belongs to the policy and is on.",
        "Switching off or testing a tier that does not exist does nothing.",
        "`off: [fats]`",
        "`off: [fast]`",
    ),
    "reference/unknown-policy": page(
        "A burn-rate policy that is named is defined.",
        "Without it there are no tiers.",
        "`burn_rate: {policy: workbok}`",
        "`burn_rate: {policy: workbook}`",
    ),
    "route/unreachable": page(
        "Every route can be asked.",
        "The first route that matches decides, so one whose alerts all match an earlier one never gets any.",
        "`match: {}` above `match: {severity: critical}`",
        "the narrower route first",
    ),
    "scrape/timeout": page(
        "A scrape ends before the next one begins.",
        "Prometheus refuses a timeout that is longer than the interval.",
        "`{interval: 15s, timeout: 30s}`",
        "`{interval: 15s, timeout: 10s}`",
    ),
    "service/duplicate-job": page(
        "A job is scraped for one service.",
        "Prometheus refuses two scrape configurations of one job name.",
        "`scrape: {job: web}` in two services",
        "a job for each",
    ),
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
    "slo/budgeting": page(
        "Slices of time are described where an objective counts them.",
        "`timeslices` need the part of events that makes a slice good; other budgetings have no use for it.",
        "`{budgeting: timeslices}`",
        "`{budgeting: timeslices, slice: 1m, slice_target: 95%}`",
    ),
    "slo/guard-reason": page(
        "Who switches off a guard says why.",
        "Each guard is there because rules without it stay silent or page falsely.",
        "`guards: {cold_start: {enabled: false}}`",
        "`guards: {cold_start: {enabled: false, reason: counters come with their history}}`",
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
    "slo/tier": page(
        "A tier has a name of its own, a part of the budget, and a short window below its long one.",
        "The short window ends the alert; as long as the long one it would not.",
        "`{name: fast, budget: 2%, long: 1h, short: 1h}`",
        "`{name: fast, budget: 2%, long: 1h, short: 5m}`",
    ),
    "slo/timezone": page(
        "The time zone of a calendar period is one of the IANA database.",
        "Its midnights are where the budget begins anew.",
        "`window: {calendar: month, timezone: ICT}`",
        "`window: {calendar: month, timezone: Asia/Ho_Chi_Minh}`",
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
    "slo/target": page(
        "A target is above 0 and below 100 %, and written so that it cannot be mistaken.",
        "At 100 % there is no budget, and each error would break the objective.",
        "`target: 100%`",
        "`target: 99.9%`",
    ),
    "sli/bounds": page(
        "A threshold SLI has a bound that values can keep.",
        "With neither at_least nor at_most every value is good; with at_least above at_most none is.",
        "`threshold: {value: queue_depth, at_least: 10, at_most: 5}`",
        "`threshold: {value: queue_depth, at_most: 100}`",
    ),
    "sli/window": page(
        "All expressions of an SLI say in one way where their window goes.",
        "Either both are plain selectors, and Tocsin puts the window behind them, or both have `$window`,"
        " and count in the same unit; else their ratio means nothing.",
        "`{bad: 'sum(rate(errors_total[$window]))', total: 'sum(increase(requests_total[$window]))'}`",
        "`{bad: 'sum(rate(errors_total[$window]))', total: 'sum(rate(requests_total[$window]))'}`",
    ),
    "reference/divided": page(
        "Contracts and journeys are made of objectives that are not divided.",
        "An objective with `group_by` is one for each value of a label; a contract or a journey over it "
        "would not know which one is meant.",
        "`covers: shop/by-route`, which has `group_by: [route]`",
        "an objective over the same SLI without `group_by`, named there",
    ),
    "slo/group-by": page(
        "An objective is divided by labels of the SLI's series.",
        "service, slo, severity, ref and tier are Tocsin's own, and le belongs to the buckets of one histogram.",
        "`group_by: [le]`",
        "`group_by: [route]`",
    ),
    "alert/hysteresis": page(
        "An alert clears on the quiet side of its threshold.",
        "With `clear_below` above `above` it would end while its condition holds, and begin again at once.",
        "`above: 100` with `clear_below: 120`",
        "`above: 100` with `clear_below: 80`",
    ),
    "metric/buckets": page(
        "Only classic histograms have buckets.",
        "A counter or a gauge has none, and a native histogram has no fixed ones; what is listed there "
        "would never be looked for.",
        "`queue_depth: {type: gauge, buckets: [1, 2]}`",
        "`request_seconds: {type: histogram, buckets: [0.5, 1, 2]}`",
    ),
    "alert/confidence": page(
        "The confidence of a forecast is between 50 % and 100 %.",
        "Below it the band would be narrower than a guess, at 100 % infinitely wide.",
        "`confidence: 100%`",
        "`confidence: 95%`",
    ),
    "alert/season": page(
        "An anomaly is compared with seasons that are kept.",
        "It needs samples of two seasons. Where Prometheus keeps fewer, the alert stays silent for ever.",
        "`season: 4w` with `retention: 15d`",
        "`season: 1w` with `retention: 15d`",
    ),
    "alert/order": page(
        "What a condition is made of stands above it in its group.",
        "A group is evaluated from top to bottom, so an alert that stands below is seen one evaluation late.",
        "a composite alert above one of its parts, both in `group: shop`",
        "the part above it",
    ),
    "journey/need": page(
        "A journey needs at least one of its parts, and at most all.",
        "With none it could never fail, with more than there are never succeed.",
        "`k_of_n: {need: 3, of: [a/up, b/up]}`",
        "`k_of_n: {need: 1, of: [a/up, b/up]}`",
    ),
    "journey/evaluated": page(
        "Rules can say how a journey is combined.",
        "What PromQL cannot say is evaluated by `tocsin serve` alone, and never approximated: without the"
        " evaluator nobody is told.",
        "`worst_of` inside `series`",
        "`series`, `parallel`, `k_of_n` or `weighted`; or the evaluator beside Prometheus",
    ),
    "reference/unknown-template": page(
        "A template that is used is defined.",
        "An SLI of a template that does not exist measures nothing.",
        "`template: http-avialability`",
        "`template: http-availability`",
    ),
    "template/parameter": page(
        "A use of a template gives its parameters, and no others.",
        "Without a value and without a default a text would have a hole; a value that no text takes is a typing error.",
        "`{template: http-availability, with: {jbo: shop}}`",
        "`{template: http-availability, with: {job: shop}}`",
    ),
    "template/undeclared": page(
        "What a template leaves open is one of its parameters.",
        "`${name}` stands for a value that each use gives, so it has to be declared below `parameters`.",
        "`${jbo}` in a template with the parameter `job`",
        "`${job}`",
    ),
    "template/unused": page(
        "Every parameter of a template stands somewhere in its SLI.",
        "A value that changes nothing misleads whoever gives it.",
        "a parameter `route` and no `${route}`",
        "`${route}` where its value belongs, or no such parameter",
    ),
    "template/value": page(
        "A value stays a value.",
        "Inside quotes of PromQL any value is escaped. Elsewhere it has to be a name, a number or a duration, so that "
        "it cannot close a bracket or begin an operator.",
        "`{window: '5m]) or vector(1'}`",
        "`{window: 5m}`",
    ),
}
"""By code."""

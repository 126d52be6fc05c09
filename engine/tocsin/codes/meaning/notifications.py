"""Manual pages of channels, routes, and what keeps alerts from being told."""

from tocsin.codes.page import page

PAGES: dict[str, str] = {
    "channel/canary": page(
        "Test messages come once an hour at most.",
        "People would learn to look away from a channel that tests itself all the time.",
        "`canary: 1m`",
        "`canary: 7d`",
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
    "message/template": page(
        "A template of a message is well formed, and uses words that there are.",
        "It would fail when an alert fires. The message would go out all the same, but not in your words. Each "
        "template is filled for sample alerts: one that fires, a group, an end, a reminder. A label that nothing in "
        "the definitions knows, but one much like it, is a warning: an alert that lacks it shows nothing there.",
        'templates: {slack: {text: "{{ firing[0].titel }}"}}',
        'templates: {slack: {text: "{% for alert in firing %}{{ alert.title }}{% endfor %}{{ headline }}"}}',
    ),
    "channel/tls": page(
        "TLS is one of starttls, tls and none.",
        "Anything else would be sent in the clear or not at all.",
        "`tls: ssl`",
        "`tls: starttls`",
    ),
    "digest/when": page(
        "A digest comes at a time of the day, or every so often.",
        "With both, or neither, nobody could say when.",
        '`digest: {at: "09:00", every: 6h}`',
        '`digest: {at: "09:00", timezone: Europe/Paris}`',
    ),
    "inhibit/everything": page(
        "An inhibition names its target, or labels that both alerts share.",
        "Without either, one alert mutes all others of the platform for as long as it fires; or all warnings, where it "
        "asks for severities alone.",
        "`{source: {alertname: HostDown}, target: {}}`",
        "`{source: {alertname: HostDown}, target: {}, equal: [instance]}`",
    ),
    "inhibit/never": page(
        "An inhibition can apply to some alert.",
        "Where source and target exclude each other, or are the same alerts, nothing is ever muted: an alert that is "
        "both source and target is not muted by another that is both, or neither would be told.",
        "`{source: {severity: critical}, target: {severity: critical}, equal: [service]}`",
        "`{source: {severity: critical}, target: {severity: warning}, equal: [service]}`",
    ),
    "inhibit/side": page(
        "An inhibition says its source and its target.",
        "One of them that is forgotten would be every alert.",
        "`{source: {alertname: HostDown}, equal: [instance]}`",
        "`{source: {alertname: HostDown}, target: {}, equal: [instance]}`",
    ),
    "maintenance/everything": page(
        "Maintenance says which alerts it mutes.",
        "Without a matcher that asks for something, nobody would hear of anything meanwhile, by oversight.",
        "`{weekdays: [sunday], at: '02:00', duration: 2h}` without `match`",
        "`match: {service: db}` beside it",
    ),
    "maintenance/when": page(
        "Maintenance is once, or every week.",
        "Once needs `from` and `to` (or `duration`), every week needs `weekdays`, `at` and `duration`.",
        "`{from: 2026-12-01T22:00, weekdays: [sunday]}`",
        "`{weekdays: [sunday], at: '02:00', duration: 2h}`",
    ),
    "matcher/syntax": page(
        "A matcher is a label, an operator and a value.",
        "Alertmanager's language and its patterns (RE2): what cannot be read would match nothing, or everything.",
        "`severity=~critical|warning)`",
        """`'severity=~"critical|warning"'`""",
    ),
    "route/flapping": page(
        "What comes back soon waits at least as long the last time as the first.",
        "The wait doubles up to `longest`; one that is shorter than `wait`, or than group_interval, can never be.",
        "`flapping: {wait: 10m, longest: 5m}`",
        "`flapping: {wait: 5m, longest: 1h}`",
    ),
    "route/escalation": page(
        "Steps of an escalation come one after the other.",
        "Each counts from when people were first told; one that is no later than the step before it is no escalation, "
        "and one to channels that all know it since an earlier step changes nothing.",
        "`[{after: 30m, to: [phone]}, {after: 10m, to: [pagerduty]}]`",
        "`[{after: 10m, to: [pagerduty]}, {after: 30m, to: [phone]}]`",
    ),
    "route/unreachable": page(
        "Every route can be asked.",
        "The first route that matches decides, so one whose alerts all match an earlier one never gets any, unless "
        "that says `continue`. Nor does one whose matchers, with those of the routes around it, exclude each other.",
        "`match: {}` above `match: {severity: critical}`",
        "the narrower route first",
    ),
    "time/instant": page(
        "A time is one that clocks show once.",
        "A local time that clocks skip does not exist, and one that comes twice cannot mean one instant.",
        "`from: 2026-03-29T02:30` in Europe/Berlin",
        "`from: 2026-03-29T03:30`, or a time with an offset",
    ),
    "time/range": page(
        "A range begins before it ends.",
        "One that ends before it begins holds never; over midnight, or from one week into the next, it is two.",
        "`{start_time: '22:00', end_time: '06:00'}`",
        "`22:00` to `24:00`, and `00:00` to `06:00` beside it",
    ),
    "time/zone": page(
        "A time zone is in the IANA time zone database.",
        "Offsets change with the season; a name says which clock is meant.",
        "`location: CET+1`",
        "`location: Europe/Paris`",
    ),
}
"""By code."""

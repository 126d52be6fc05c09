"""Manual pages of channels and routes."""

from tocsin.codes.page import page

PAGES: dict[str, str] = {
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
    "route/unreachable": page(
        "Every route can be asked.",
        "The first route that matches decides, so one whose alerts all match an earlier one never gets any.",
        "`match: {}` above `match: {severity: critical}`",
        "the narrower route first",
    ),
}
"""By code."""

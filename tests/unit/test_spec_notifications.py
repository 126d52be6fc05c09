"""A Notifications document becomes channels, with secrets unresolved, and routes."""

from datetime import timedelta

import pytest
from tests.reading import codes, places, read

from tocsin.diagnostics import Severity
from tocsin.ports import Rate
from tocsin.spec import ChannelSpec, Secret
from tocsin.units import Duration

EMAIL = "email: {smtp: {host: h%s}, from: f@x.org, to: [t@x.org]}"


def channel(text: str) -> ChannelSpec:
    """The channel of a text that has no mistake."""
    workspace, findings = read("Notifications", f"channels: {{c: {{{text}}}}}")
    assert findings == ()
    return workspace.notifications[0].channels["c"]


class TestChannel:
    """Ways out."""

    def test_email(self) -> None:
        """Port 587 with STARTTLS and no login is the default."""
        found = channel(EMAIL % "")

        assert (found.kind, found.send_resolved) == ("email", True)
        assert {
            "host": Secret("h"), "port": Secret("587"), "tls": Secret("starttls"), "user": None, "password": None,
            "from": Secret("f@x.org"), "to": (Secret("t@x.org"),),
        } == found.settings  # fmt: skip

    def test_slack(self) -> None:
        """A webhook from a file."""
        found = channel("slack: {webhook: {file: /run/secrets/slack}}, send_resolved: false")

        assert (found.kind, found.send_resolved) == ("slack", False)
        assert Secret(file="/run/secrets/slack") == found.settings["webhook"]
        assert {"webhook", "token", "channel", "endpoint"} == set(found.settings)

    def test_pagerduty(self) -> None:
        """A key from the environment, with a default."""
        found = channel("pagerduty: {integration_key: {env: KEY, default: abc}}")

        assert Secret(env="KEY", default="abc") == found.settings["integration_key"]

    def test_apprise(self) -> None:
        """A URL alone."""
        assert {"url": Secret(env="URL")} == channel("apprise: {env: URL}").settings

    @pytest.mark.parametrize("port", ["25", "'25'"])
    def test_port_is_a_number_or_a_text(self, port: str) -> None:
        """Both become the same text."""
        assert Secret("25") == channel(EMAIL % f", port: {port}").settings["port"]

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            (EMAIL % ", port: {env: P, default: abc}", "channel/port"),
            (EMAIL % ", port: '70000'", "channel/port"),
            (EMAIL % ", tls: ssl", "channel/tls"),
            (EMAIL % ", user: {env: A, file: b}, password: x", "channel/setting"),
            ("slack: {webhook: a, token: b, channel: c}", "channel/slack"),
            ("slack: {channel: c}", "channel/slack"),
            ("slack: {token: c}", "channel/slack"),
            ("send_resolved: true", "channel/kind"),
            ("slack: {webhook: a}, apprise: b", "channel/kind"),
        ],
    )
    def test_mistakes(self, text: str, code: str) -> None:
        """One finding each, and reading goes on."""
        _, findings = read("Notifications", f"channels: {{c: {{{text}}}}}")

        assert [code] == codes(findings)

    def test_rate_fallback_and_canary_belong_to_every_kind(self) -> None:
        """None of them is there by default."""
        workspace, findings = read(
            "Notifications", "channels: {c: {apprise: a, rate: 20/m, fallback: d, canary: 7d}, d: {apprise: b}}"
        )
        c, d = workspace.notifications[0].channels.values()

        assert findings == ()
        assert (c.rate, c.fallback, c.canary) == (Rate(20, timedelta(minutes=1)), "d", Duration.of(days=7))
        assert (d.rate, d.fallback, d.canary) == (None, None, None)

    def test_an_alertmanager_has_members(self) -> None:
        """Each an address of its own."""
        found = channel("alertmanager: {urls: ['http://a:9093', {env: B}]}")

        assert found.settings == {"urls": (Secret("http://a:9093"), Secret(env="B"))}
        assert found.forwards

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("apprise: a, rate: 0/m", "units/rate"),
            ("apprise: a, rate: 5/2h", "units/rate"),
            ("apprise: a, rate: often", "schema/value"),
            ("apprise: a, fallback: nobody", "reference/unknown-channel"),
            ("rate: 5/m, fallback: c", "channel/kind"),
            ("apprise: a, canary: 59m", "channel/canary"),
        ],
    )
    def test_rates_and_fallbacks_that_are_none(self, text: str, code: str) -> None:
        """One finding each."""
        _, findings = read("Notifications", f"channels: {{c: {{{text}}}}}")

        assert code in codes(findings)

    def test_an_unknown_kind_is_told_once(self) -> None:
        """It is an unknown key, with the nearest one as a hint."""
        _, findings = read("Notifications", "channels: {c: {slak: {webhook: a}}}")

        assert codes(findings) == ["schema/unknown-key"]

    def test_a_port_in_the_environment_is_not_judged(self) -> None:
        """It is known when the evaluator starts."""
        assert Secret(env="P") == channel(EMAIL % ", port: {env: P}").settings["port"]


class TestRoute:
    """Which alert goes where."""

    def test_defaults_are_those_of_alertmanager(self) -> None:
        """30s, 5m, 4h; grouped by service."""
        workspace, findings = read("Notifications", "channels: {c: {apprise: u}}\nroutes: [{to: [c]}]")
        route = workspace.notifications[0].routes[0]

        assert findings == ()
        assert (route.match, route.to, route.group_by) == ((), ("c",), ("service",))
        assert (Duration.of(seconds=30), Duration.of(minutes=5), Duration.of(hours=4)) == (
            route.group_wait, route.group_interval, route.repeat_interval,
        )  # fmt: skip

    def test_a_route_behind_a_wider_one(self) -> None:
        """The first that matches decides, so the second is never asked: a warning at the second."""
        text = """
        channels: {c: {apprise: u}}
        routes:
          - {match: {severity: critical}, to: [c]}
          - {match: {severity: critical, service: shop}, to: [c]}
        """
        _, findings = read("Notifications", text)

        assert places(findings) == [(7, 5, "route/unreachable")]
        assert (findings[0].severity, findings[0].related[0][0].line) == (Severity.WARNING, 6)

    def test_a_narrower_route_first(self) -> None:
        """Both can be reached."""
        text = """
        channels: {c: {apprise: u}}
        routes:
          - {match: {severity: critical, service: shop}, to: [c]}
          - {match: {severity: critical}, to: [c]}
          - {to: [c]}
        """
        _, findings = read("Notifications", text)

        assert findings == ()

    def test_unknown_channel(self) -> None:
        """The nearest name is offered."""
        _, findings = read("Notifications", "channels: {email: {apprise: u}}\nroutes: [{to: [emial]}]")

        assert places(findings) == [(5, 16, "reference/unknown-channel")]
        assert findings[0].hint == "did you mean email?"

    def test_a_wrong_channel_is_known(self) -> None:
        """Its mistake is told once."""
        _, findings = read("Notifications", "channels: {c: {slack: {}}}\nroutes: [{to: [c]}]")

        assert codes(findings) == ["channel/slack"]

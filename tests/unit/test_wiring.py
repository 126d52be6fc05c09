"""Secrets are resolved at the border: every one that is missing is named, and no value is ever told."""

from pathlib import Path

import pytest
from tests.alerts import SPAN

from tocsin.errors import UnavailableError
from tocsin.service.wiring import build_channels, resolve_secret
from tocsin.spec import ChannelSpec, Notifications, Secret


def test_each_kind_of_secret_is_resolved(tmp_path: Path) -> None:
    """A literal, a variable, its default, and a file without the newline that editors add."""
    file = tmp_path / "secret"
    file.write_text("from a file\n")
    environ = {"SET": "from the environment", "EMPTY": ""}

    assert [
        resolve_secret(secret, environ)
        for secret in (
            Secret(literal="as it stands"),
            Secret(env="SET", default="unused"),
            Secret(env="UNSET", default="the default"),
            Secret(env="EMPTY", default="unused"),
            Secret(file=str(file)),
        )
    ] == ["as it stands", "from the environment", "the default", "", "from a file"]


def test_everything_that_is_missing_is_named_at_once(tmp_path: Path) -> None:
    """With channel, setting and place, without the values of the others."""
    spec = ChannelSpec(
        "slack",
        "slack",
        {"webhook": Secret(env="SLACK_WEBHOOK"), "token": Secret(file=str(tmp_path / "token")), "channel": None},
        True,
        SPAN,
    )
    other = ChannelSpec("page", "pagerduty", {"integration_key": Secret(env="PD_KEY")}, True, SPAN)
    document = Notifications("platform", {"slack": spec, "page": other}, (), SPAN)
    with pytest.raises(UnavailableError) as caught:
        build_channels((document,), {"OTHER": "hunter2"})
    said = str(caught.value)

    assert said.split("; ") == [
        "channel page: integration_key: the environment variable PD_KEY is not set",
        "channel slack: webhook: the environment variable SLACK_WEBHOOK is not set",
        f"channel slack: token: the file {tmp_path / 'token'} cannot be read: No such file or directory",
    ]


def test_a_secret_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """Without showing its bytes."""
    file = tmp_path / "secret"
    file.write_bytes(b"\xff\xfehunter2")
    with pytest.raises(UnavailableError, match="cannot be read: it is not UTF-8"):
        resolve_secret(Secret(file=str(file)), {})


def test_a_channel_is_built_with_its_name() -> None:
    """Ready to send."""
    spec = ChannelSpec("page", "pagerduty", {"integration_key": Secret(literal="0123456789abcdef" * 2)}, True, SPAN)
    channels = build_channels((Notifications("platform", {"page": spec}, (), SPAN),), {})

    assert [(name, channel.name) for name, channel in channels.items()] == [("page", "page")]

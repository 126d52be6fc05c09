"""The shapes of Alertmanager's API v2, as its OpenAPI document has them.

https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class MatcherShape(_Shape):
    """One condition on one label; `isEqual` came with 0.22 and may be missing."""

    name: str
    value: str
    is_regex: bool
    is_equal: bool = True


class PostableSilence(_Shape):
    """A silence that is asked for; with an id, a change."""

    id: str = ""
    matchers: list[MatcherShape]
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    created_by: str
    comment: str


class SilenceStatus(_Shape):
    """Where a silence stands."""

    state: Literal["pending", "active", "expired"]


class GettableSilence(PostableSilence):
    """A silence as it is."""

    status: SilenceStatus
    updated_at: AwareDatetime


class SilenceId(_Shape):
    """The silence that now holds."""

    silenceID: str  # noqa: N815  # the word of the API


class PostableAlert(_Shape):
    """What a sender says of one alert; null is nothing, as for Alertmanager."""

    labels: dict[str, str]
    annotations: dict[str, str] | None = None
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    generatorURL: str | None = None  # noqa: N815  # the word of the API


class ReceiverShape(_Shape):
    """A channel."""

    name: str


class AlertStatusShape(_Shape):
    """Whether people are told of an alert: `suppressed` by a silence, another alert, or maintenance."""

    state: Literal["unprocessed", "active", "suppressed"]
    silenced_by: list[str]
    inhibited_by: list[str]


class GettableAlert(_Shape):
    """An open alert."""

    annotations: dict[str, str]
    receivers: list[ReceiverShape]
    fingerprint: str
    starts_at: AwareDatetime
    updated_at: AwareDatetime
    ends_at: AwareDatetime
    status: AlertStatusShape
    labels: dict[str, str]
    generatorURL: str = ""  # noqa: N815  # the word of the API


class GroupShape(_Shape):
    """The alerts of one conversation."""

    labels: dict[str, str]
    receiver: ReceiverShape
    alerts: list[GettableAlert]


class ClusterStatus(_Shape):
    """Tocsin does not gossip."""

    status: Literal["disabled"] = "disabled"
    peers: list[str] = []


class VersionInfo(_Shape):
    """What runs."""

    version: str
    revision: str = ""
    branch: str = ""
    build_user: str = ""
    build_date: str = ""
    go_version: str = ""


class ConfigShape(_Shape):
    """Routes and receivers as Alertmanager would have them."""

    original: str


class ServerStatus(_Shape):
    """The whole of `/status`."""

    cluster: ClusterStatus
    version_info: VersionInfo
    config: ConfigShape
    uptime: AwareDatetime

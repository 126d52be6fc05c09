"""Compile targets: each renders a Plan and its Workspace as Artifacts."""

from collections.abc import Mapping

from tocsin.targets.alertmanager import alertmanager, cannot_say, has_channels
from tocsin.targets.artifact import Artifact
from tocsin.targets.base import Target, always, only_when_asked
from tocsin.targets.grafana import grafana, has_grafana
from tocsin.targets.influxdb import has_influxdb, influxdb, refused
from tocsin.targets.kubernetes import has_kubernetes, kubernetes, too_large
from tocsin.targets.openslo import losses, openslo
from tocsin.targets.prometheus import prometheus
from tocsin.targets.runbooks import runbooks
from tocsin.targets.statsd import has_statsd, statsd, unmapped

__all__ = ["TARGETS", "Artifact", "Target"]

TARGETS: Mapping[str, Target] = {
    "prometheus": Target(prometheus, always),
    "alertmanager": Target(alertmanager, has_channels, cannot_say),
    "kubernetes": Target(kubernetes, has_kubernetes, too_large),
    "grafana": Target(grafana, has_grafana),
    "openslo": Target(openslo, only_when_asked, losses),
    "runbooks": Target(runbooks),
    "statsd": Target(statsd, has_statsd, unmapped),
    "influxdb": Target(influxdb, has_influxdb, refused),
}
"""Every target that `tocsin compile` writes, each below a folder of its own name."""

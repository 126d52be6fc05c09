"""What the user said, as frozen types: types in one module per kind, readers below `readers`."""

from tocsin.spec.condition import Absence, Anomaly, Composite, Condition, Forecast, LevelShift, Part, Plain, Threshold
from tocsin.spec.dashboard import Dashboard, Panel
from tocsin.spec.exclusion import Exclusion
from tocsin.spec.hours import Digest, Hours, Maintenance, Once, Stretch, Weekly
from tocsin.spec.journey import Combine, Journey, JourneySlo, Member, Missing, members
from tocsin.spec.measure import Measure
from tocsin.spec.notifications import (
    ChannelSpec,
    Escalation,
    Flapping,
    Inhibit,
    Notifications,
    PageBudget,
    Route,
    Secret,
)
from tocsin.spec.platform import InfluxDb, Kubernetes, LedgerSettings, Platform, PrometheusSettings, StatsD
from tocsin.spec.service import (
    AlertRule,
    GroupSettings,
    Metric,
    Raw,
    Recording,
    RuleTest,
    Scrape,
    Service,
    Slo,
    TestAlert,
    TestSeries,
)
from tocsin.spec.sla import CreditTier, Sla
from tocsin.spec.sli_template import SliTemplate

__all__ = [
    "Absence",
    "AlertRule",
    "Anomaly",
    "ChannelSpec",
    "Combine",
    "Composite",
    "Condition",
    "CreditTier",
    "Dashboard",
    "Digest",
    "Escalation",
    "Exclusion",
    "Flapping",
    "Forecast",
    "GroupSettings",
    "Hours",
    "InfluxDb",
    "Inhibit",
    "Journey",
    "JourneySlo",
    "Kubernetes",
    "LedgerSettings",
    "LevelShift",
    "Maintenance",
    "Measure",
    "Member",
    "Metric",
    "Missing",
    "Notifications",
    "Once",
    "PageBudget",
    "Panel",
    "Part",
    "Plain",
    "Platform",
    "PrometheusSettings",
    "Raw",
    "Recording",
    "Route",
    "RuleTest",
    "Scrape",
    "Secret",
    "Service",
    "Sla",
    "SliTemplate",
    "Slo",
    "StatsD",
    "Stretch",
    "TestAlert",
    "TestSeries",
    "Threshold",
    "Weekly",
    "members",
]

"""What Prometheus shall evaluate for a workspace, in no target's format."""

from tocsin.plan.build import plan
from tocsin.plan.model import AlertingRule, Inhibition, Plan, RecordingRule, RuleGroup

__all__ = ["AlertingRule", "Inhibition", "Plan", "RecordingRule", "RuleGroup", "plan"]

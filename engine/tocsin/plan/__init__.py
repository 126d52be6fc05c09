"""What Prometheus shall evaluate for a workspace, in no target's format."""

from tocsin.plan.build import plan
from tocsin.plan.model import AlertingRule, Inhibition, Late, Plan, RecordingRule, Rule, RuleGroup

__all__ = ["AlertingRule", "Inhibition", "Late", "Plan", "RecordingRule", "Rule", "RuleGroup", "plan"]

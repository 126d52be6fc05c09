"""channel/unused."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity


@check("channel/unused")
def channel_unused(subject: Subject) -> Iterator[Diagnostic]:
    """A channel is reached by something.

    One that no route, alert, objective or contract names gets no message. Mostly a name was changed in one place.

    Bad: `channels: {pager: …}` and no `pager` anywhere else

    Good: `routes: [{match: {severity: critical}, to: [pager]}]`
    """
    workspace = subject.workspace
    if subject.wrong:  # a definition with a mistake was left out, with the channels that it names
        return
    used = {name for each in workspace.notifications for route in each.all_routes() for name in route.to}
    used |= {
        name for each in workspace.notifications for r in each.all_routes() for step in r.escalate for name in step.to
    }
    used |= {spec.fallback for each in workspace.notifications for spec in each.channels.values() if spec.fallback}
    used |= {name for sla in workspace.slas for name in sla.notify}
    used |= {name for journey in workspace.journeys for slo in journey.slos for name in slo.page}
    for service in workspace.services:
        used |= {name for alert in service.alerts for name in alert.notify}
        used |= {name for slo in service.slos for name in (*slo.page, *slo.ticket)}
        used |= {name for slo in service.slos for tier in slo.tiers for name in getattr(tier, "notify", ())}
    for each in workspace.notifications:
        for channel in each.channels.values():
            if channel.name not in used:
                message = f"nothing is sent to channel {channel.name}"
                hint = "name it in a route, or remove it"
                yield Diagnostic("channel/unused", channel.span, message, Severity.INFO, hint=hint)

"""What a reference means."""

import difflib

from tocsin.errors import MisuseError
from tocsin.spec import AlertRule, JourneySlo, Sla, Slo
from tocsin.workspace import Workspace

Subject = Slo | AlertRule | JourneySlo | Sla


def find(ref: str, workspace: Workspace) -> Subject:
    """The objective, alert, journey or contract that is called *ref*."""
    known: dict[str, Subject] = {sla.ref: sla for sla in workspace.slas}
    known |= {slo.ref: slo for journey in workspace.journeys for slo in journey.slos}
    known |= {alert.ref: alert for service in workspace.services for alert in service.alerts}
    known |= {slo.ref: slo for service in workspace.services for slo in service.slos}
    if ref in known:
        return known[ref]
    close = difflib.get_close_matches(ref, sorted(known), n=3) or sorted(known)[:10]
    message = f"no objective, alert, journey or contract is called {ref!r}"
    raise MisuseError(message, hint=f"there is {', '.join(close) or 'none'}")

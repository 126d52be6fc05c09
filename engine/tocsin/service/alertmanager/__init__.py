"""Alertmanager's API v2: a Prometheus sends its alerts here, and `amtool` works unchanged.

Errors are a text as JSON, as there; parameters that are not known are ignored, as there.
"""

from tocsin.service.alertmanager.router import create_router
from tocsin.service.alertmanager.work import Office, RefusedError

__all__ = ["Office", "RefusedError", "create_router"]

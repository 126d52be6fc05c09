"""Manual pages of what is found when a document is understood, by what it is about.

Such a finding is made by a reader or by a planner, often in several places, so its page has no function to be the
docstring of. A module for each kind of definition keeps the pages of one subject together, and apart from those that
somebody else works on.
"""

from tocsin.codes.meaning import (
    alerts,
    contracts,
    indicators,
    journeys,
    notifications,
    objectives,
    references,
    services,
    templates,
)

MEANING: dict[str, str] = {
    **alerts.PAGES,
    **contracts.PAGES,
    **indicators.PAGES,
    **journeys.PAGES,
    **notifications.PAGES,
    **objectives.PAGES,
    **references.PAGES,
    **services.PAGES,
    **templates.PAGES,
}
"""By code."""

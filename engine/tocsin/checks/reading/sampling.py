"""How often series are sampled."""

from collections.abc import Mapping
from dataclasses import dataclass

from tocsin.expressions import Expression
from tocsin.promql_syntax import Selector
from tocsin.units import Duration
from tocsin.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Intervals:
    """Scrape intervals: of the jobs and services that say their own, and else the platform's, if there is one."""

    jobs: Mapping[str, Duration]
    services: Mapping[str, Duration]
    usual: Duration | None

    def of(self, expression: Expression, selector: Selector) -> tuple[Duration | None, bool]:
        """How often the targets of *selector* are scraped, and whether that is said of them in particular.

        None: nobody says so, or it is a recorded series.
        """
        if ":" in (selector.metric or "") or (selector.metric or "").startswith("ALERTS"):
            return None, False
        job = next((m.value.value for m in selector.matchers if m.label.value == "job" and m.op == "="), None)
        if job is not None:
            return self.jobs.get(job, self.usual), job in self.jobs
        value = expression.document.value
        name = str(value.get("name")) if isinstance(value, Mapping) else ""
        return self.services.get(name, self.usual), name in self.services


def scrape_intervals(workspace: Workspace) -> Intervals:
    """What the definitions say."""
    scrapes = {s.name: s.scrape for s in workspace.services if s.scrape is not None and s.scrape.interval is not None}
    return Intervals(
        {scrape.job: scrape.interval for scrape in scrapes.values() if scrape.interval},
        {name: scrape.interval for name, scrape in scrapes.items() if scrape.interval},
        workspace.platform.prometheus.scrape_interval if workspace.platform else None,
    )

"""page/budget."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.matchers import choices


@check("page/budget")
def page_budget(subject: Subject) -> Iterator[Diagnostic]:
    """A page budget counts something.

    Only alerts of severity critical are pages, so one that asks for another severity is never spent.

    Bad: `page_budgets: {shop: {pages: 5/w, match: {severity: warning}}}`

    Good: `page_budgets: {shop: {pages: 5/w, match: {service: shop}}}`
    """
    for budget in (budget for each in subject.workspace.notifications for budget in each.page_budgets):
        severities = choices(budget.matchers, "severity")
        if severities is not None and "critical" not in severities:
            message = f"page budget {budget.name} counts nothing: only critical alerts are pages"
            hint = "ask for a service or a team, and for no severity"
            yield Diagnostic("page/budget", budget.span, message, Severity.WARNING, hint=hint)

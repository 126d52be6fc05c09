"""What to ask for an alert, by the kind of its condition; alerts made of other alerts ask nothing."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Protocol

from tocsin.evaluate.absent import AbsenceQuestion
from tocsin.evaluate.alerts import AlertQuestion
from tocsin.evaluate.anomalies import AnomalyQuestion
from tocsin.evaluate.asking import Asker
from tocsin.evaluate.forecasts import ForecastQuestion
from tocsin.evaluate.level_shifts import LevelShiftQuestion
from tocsin.evaluate.rule import Seen
from tocsin.ports import Labels
from tocsin.spec import Absence, AlertRule, Anomaly, Condition, Forecast, LevelShift, Plain, Threshold
from tocsin.workspace import Workspace


class Question(Protocol):
    """One alert that is asked for."""

    @property
    def alert(self) -> AlertRule:
        """Whose it is."""
        ...

    def ask(self, asker: Asker, *, opened: AbstractSet[Labels] | None = None) -> Seen:
        """Look once; the absence of *opened* instances (pending or firing; None: any) must be explained."""
        ...


QUESTIONS: dict[type[Condition], Callable[[AlertRule], Question]] = {
    Threshold: AlertQuestion,
    Plain: AlertQuestion,
    Absence: AbsenceQuestion,
    Forecast: ForecastQuestion,
    Anomaly: AnomalyQuestion,
    LevelShift: LevelShiftQuestion,
}


def questions(workspace: Workspace) -> list[Question]:
    """One for each alert that asks something."""
    alerts = [alert for service in workspace.services for alert in service.alerts]
    return [QUESTIONS[type(alert.condition)](alert) for alert in alerts if type(alert.condition) in QUESTIONS]

"""Which slices a contract is measured by, and its intervals from them."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from tocsin.evaluate import journey
from tocsin.evaluate.measures import Interval
from tocsin.evaluate.measures.presence import Presence, PresenceSli
from tocsin.evaluate.slices import Counted, Slices, milliseconds
from tocsin.spec import JourneySlo, LedgerSettings, Sla, Slo
from tocsin.units import Duration
from tocsin.workspace import Workspace

Key = tuple[str, int, int]
"""What is counted, the length of its slices, and their phase (both in milliseconds)."""

RAN = "server:ran"
"""What is counted to know when the source itself ran: every server that scrapes has `up`; no SLO has a colon."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The contracts that can be measured, with what they cover."""

    slos: Mapping[str, Slo]
    journeys: Mapping[str, JourneySlo]
    slas: tuple[Sla, ...]
    floor: float = 0.0
    """The least coverage at which anything is concluded."""

    @classmethod
    def of(cls, workspace: Workspace) -> "Measured":
        """Take those whose members are all defined; what is not is a finding of the reader's."""
        slos = {slo.ref: slo for service in workspace.services for slo in service.slos}
        whole = [
            slo for one in workspace.journeys for slo in one.slos if set(journey.members(slo.combine)) <= set(slos)
        ]
        journeys = {slo.ref: slo for slo in whole}
        slas = tuple(one for one in workspace.slas if one.covers in slos or one.covers in journeys)
        settings = workspace.platform.ledger if workspace.platform else LedgerSettings()
        return cls(slos, journeys, slas, float(settings.coverage))

    def slo(self, key: Key) -> Slo | None:
        """Whose events *key* names; None where it is not an SLO's."""
        return self.slos.get(key[0])

    def book(self, key: Key, *, events: bool = False) -> Slices:
        """Slices of what *key* names, none of them known yet; *events* are counted where somebody needs to know."""
        return Slices(self._counted(key[0]), Duration(key[1]), key[2], events={} if events else None)

    def _counted(self, name: str) -> Counted:
        if name in self.slos:
            return self.slos[name]
        if name == RAN:
            return Presence(name, PresenceSli("count(up)"))
        one = next(sla for sla in self.slas if _presence(sla) == name)
        return Presence(name, PresenceSli(one.measure.deployed.text if one.measure.deployed else ""))

    def keys(self, one: Sla, start: datetime) -> tuple[Key, ...]:
        """The slices of the period that begins at *start*."""
        step = one.measure.interval.milliseconds
        phase = milliseconds(start) % step
        refs = (one.covers,) if one.covers in self.slos else journey.members(self.journeys[one.covers].combine)
        names = (*refs, _presence(one)) if one.measure.deployed else refs
        path = self.journeys.get(one.covers)
        if one.measure.method == "deployed-minutes" or (path is not None and path.missing.count_as != "ignore"):
            names = (*names, RAN)
        return tuple((name, step, phase) for name in names)

    def since(self, one: Sla, start: datetime) -> datetime:
        """From when on slices are needed for the period that begins at *start*."""
        return start - journey.LOOKED_BACK if one.covers in self.journeys else start

    def counts(self, one: Sla) -> bool:
        """Whether the contract asks how many events there were; a journey has none of its own."""
        return bool(one.measure.minimum_events) and one.covers in self.slos

    def intervals(self, one: Sla, books: Mapping[str, Slices], first: int, last: int) -> list[Interval]:
        """The intervals [first, last), by their numbers in *books*, which hold what `keys` names."""
        values, deployed = self._values(one, books, first, last)
        book = next(iter(books.values()))
        events = books[one.covers].events if one.covers in books else None
        if one.measure.deployed:
            deployed = books[_presence(one)].ratios.keys()
        seen = self._seen(one, books, deployed, range(first, last))
        return [
            Interval(
                *book.bounds(k),
                values.get(k),
                None if events is None else events.get(k, 0.0),
                deployed=k in deployed,
                seen=seen is None or k in seen,
            )
            for k in range(first, last)
        ]

    def _seen(
        self, one: Sla, books: Mapping[str, Slices], deployed: AbstractSet[int], numbers: range
    ) -> AbstractSet[int] | None:
        """The slices of which anything is known: of any member, for what others lack is the journey's business.

        Where a counter or a value that is not there says that nothing was deployed, that is known as long as the source
        ran; a source without any `up` cannot tell, and is believed: None.
        """
        seen: set[int] = set().union(
            *(book.ratios.keys() | book.idle for ref, book in books.items() if ref in self.slos)
        )
        if one.measure.method != "deployed-minutes" or RAN not in books:
            return seen
        ran = books[RAN].ratios.keys()
        if not ran:
            return None if not one.measure.deployed else seen | (set(numbers) - deployed)
        return seen | (ran - deployed)

    def _values(
        self, one: Sla, books: Mapping[str, Slices], first: int, last: int
    ) -> tuple[Mapping[int, float | None], AbstractSet[int]]:
        """Good ratios, and the slices in which there was a counter at all."""
        ratios = {ref: book.ratios for ref, book in books.items()}
        if one.covers in self.slos:
            return ratios[one.covers], ratios[one.covers].keys() | books[one.covers].idle
        idle, asleep = {ref: book.idle for ref, book in books.items()}, self._asleep(books, range(first, last))
        path, step = self.journeys[one.covers], one.measure.interval
        whole = journey.composite(path, ratios, step, first, last, idle=idle, asleep=asleep)
        values = enumerate(zip(whole.values, whole.idle, strict=True))  # idle intervals are empty: the contract says
        found = {whole.first + i: None if nobody else value for i, (value, nobody) in values}
        return found, found.keys()

    def _asleep(self, books: Mapping[str, Slices], numbers: range) -> AbstractSet[int]:
        """The slices in which the source did not run; where nobody can tell, those in which no member answered."""
        ran = books.get(RAN)
        if ran is not None and ran.ratios:
            return ran.between()
        return set(numbers).difference(*(book.ratios.keys() | book.idle for ref, book in books.items() if ref != RAN))


def _presence(one: Sla) -> str:
    """The name of the slices that tell when the service was deployed; no SLO has one with a colon."""
    return f"deployed:{one.name}"

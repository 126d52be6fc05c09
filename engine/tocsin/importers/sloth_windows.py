"""Sloth's AlertWindows: a table of windows for a period, which becomes a burn-rate policy of the Platform."""

from collections.abc import Sequence
from decimal import Decimal

from tocsin.importers.draft import Exactly, Listing, Mapping
from tocsin.importers.ledger import Fate, Given
from tocsin.importers.model import Definition, heading
from tocsin.importers.services import PERIOD, TIERS
from tocsin.units import Duration
from tocsin.windows import POLICIES, Policy, Tier

_SPEEDS = ("quick", "slow")


class Windows:
    """The tables of all files.

    Objectives are watched by the only one, or by the one for Sloth's default period of 30 days; which table Sloth is
    started with stands in no file.
    """

    def __init__(self, roots: Sequence[Given]) -> None:
        self.period = PERIOD
        self.policy = POLICIES["workbook"]
        self.name = ""
        """The policy that objectives name; empty for the usual one."""
        self._found: list[tuple[Given, Duration, tuple[Tier, ...]]] = []
        for root in roots:
            self._read(root)
        chosen = next((each for each in self._found if each[1] == PERIOD or len(self._found) == 1), None)
        if chosen is not None:
            root, self.period, tiers = chosen
            self.policy = Policy("", {self.period: tiers})
            self.name = _name(self.period)
            why = "put it into the Platform that you have, if you have one: there is one for all definitions"
            root.ledger.note(Fate.CHANGED, root.key_span, f"AlertWindows of {self.period}", f"a policy; {why}")

    def _read(self, root: Given) -> None:
        spec = root["spec"]
        period = spec["sloPeriod"].duration()
        tiers = []
        for kind, names in TIERS.items():
            for speed, name in zip(_SPEEDS, names, strict=True):
                node = spec[kind][speed]
                share = node["errorBudgetPercent"].number()
                long, short = node["longWindow"].duration(), node["shortWindow"].duration()
                if share is None or long is None or short is None:
                    node.refuse(f"{kind} {speed} needs errorBudgetPercent, shortWindow and longWindow")
                    continue
                tiers.append(Tier(name, kind, share / Decimal(100), long, short))
        if period is None or any(period == other for _, other, _ in self._found):
            spec.refuse("a table needs a sloPeriod that no other has")
        elif len(tiers) == len(_SPEEDS) * len(TIERS):
            self._found.append((root, period, tuple(tiers)))

    def definitions(self) -> list[Definition]:
        """A Platform with the policies."""
        if not self._found:
            return []
        body, policies = heading("Platform", "sloth"), Mapping()
        for root, period, tiers in self._found:
            policy, listing = Mapping(), Listing()
            for tier in tiers:
                entry = Mapping()
                entry.put("name", tier.name)
                entry.put("severity", tier.severity)
                entry.put("budget", Exactly(f"{(tier.budget_share * 100).normalize():f}%"))
                entry.put("long", Exactly(str(tier.long)))
                entry.put("short", Exactly(str(tier.short)))
                listing.add(entry)
            policy.put("source", f"AlertWindows of Sloth for {period}")
            policy.put("tiers", listing)
            policies.put(_name(period), policy, root, notes=[root.source])
        body.put("burn_rates", policies)
        sources = frozenset((root.document.path, root.document.index) for root, _, _ in self._found)
        return [Definition("platform", body, sources)]


def _name(period: Duration) -> str:
    return f"sloth-{period}"

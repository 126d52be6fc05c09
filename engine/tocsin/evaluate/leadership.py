"""Which of several evaluators tells people, as a pure function of what the lease said and when.

One leads: it evaluates, stores and sends. The others evaluate in its shadow and store nothing, so that a take-over
needs no warm-up. Where nobody can ask for the lease, everybody leads: a page that comes twice is better than none.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Held:
    """The lease is ours; what is stored under an older *token* is refused.

    *lapsed* says that it had run out before: nobody gave it away, so whoever had it may not know yet that it is gone.
    """

    token: int
    lapsed: bool = False


@dataclass(frozen=True, slots=True)
class Others:
    """Another evaluator has it; *why* it was given to that one by this one."""

    holder: str
    why: str = ""


class Lease(Protocol):
    """A lease in the shared store; every method raises UnavailableError while that does not work."""

    def acquire(self, holder: str, length: timedelta) -> Held | Others:
        """Take or renew it, or say whose it is."""
        ...

    def offer(self, holder: str, length: timedelta) -> None:
        """Note that *holder*, who stands by, is fit to lead, for *length* from now on."""
        ...

    def pass_on(self, holder: str, length: timedelta) -> str:
        """Give what is *holder*'s to one that is fit; returns its name, empty where there is none."""
        ...

    def release(self, holder: str) -> None:
        """Let another one take it at once."""
        ...


@dataclass(frozen=True, slots=True)
class Role:
    """What this evaluator is: *leads* tells people; *token* is that of its lease, None where it leads without one.

    *heard* is when (monotonic seconds) the lease was last asked with success.
    """

    leads: bool = False
    token: int | None = None
    holder: str = ""
    reason: str = ""
    lapsed: bool = False
    """Whether the lease had run out before it was ours."""
    heard: float = field(default=0.0, compare=False)

    @property
    def open(self) -> bool:
        """Whether it leads without a lease, so that others may, too."""
        return self.leads and self.token is None


NOBODY = Role()


def answered(answer: Held | Others, at: float, before: Role = NOBODY) -> Role:
    """The role after the lease was asked at *at*; how a token began is remembered as long as it is ours."""
    if isinstance(answer, Held):
        lapsed = answer.lapsed or (before.lapsed and before.token == answer.token)
        return Role(leads=True, token=answer.token, lapsed=lapsed, heard=at)
    why = f", for this one gave the lease away: {answer.why}" if answer.why else ""
    return Role(holder=answer.holder, reason=f"{answer.holder} leads{why}", heard=at)


def unanswered(role: Role, why: str, at: float, patience: timedelta) -> Role:
    """The role when the lease could not be asked at *at*.

    Who leads goes on leading; who follows waits for *patience*, for whoever leads may be well, and then leads, too.
    """
    if role.leads:
        return replace(role, reason=f"the lease cannot be renewed: {why}")
    if at - role.heard < patience.total_seconds():
        return replace(role, reason=f"the lease cannot be asked for: {why}")
    return Role(leads=True, reason=f"leads without a lease, others may, too: {why}", heard=role.heard)

"""The demonstration itself: steady state, fault, page, recovery, resolve; every expectation has a deadline."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from rich.console import Console

from tocsin.demo.evaluator import Standing, standing
from tocsin.demo.expectations import (
    RULE,
    MissedError,
    Patience,
    left_out,
    page_mail,
    pagerduty_resolve,
    pagerduty_trigger,
    resolved_mail,
    slack_message,
)
from tocsin.demo.prometheus import query
from tocsin.demo.receivers import Mail
from tocsin.demo.rewrite import REF
from tocsin.demo.stage import Stage, logs, stage, workplace
from tocsin.demo.story import Story
from tocsin.errors import TocsinError, UnavailableError
from tocsin.guards import keep_firing_for
from tocsin.service.phrases import budget
from tocsin.units import Duration
from tocsin.windows import QUICK_RESET, detection_time

STEADY_SECONDS = 180.0
"""With history it takes a tick; a Prometheus of somebody's own has none, and budgets are counted once a minute."""
PAGE_SECONDS = 90.0
"""From the fault to the email."""
OTHERS_SECONDS = 30.0
HOLD_SECONDS = 5.0
"""How long the fault goes on after the page."""
RESOLVE_SECONDS = 150.0
"""A minute until the short window is clean, and half a one for which the page is kept open in case errors come back."""
TELL_EVERY = 5.0
ERRORS, TRAFFIC = 0.96, 1.5
"""The fault: this share of requests fails, and clients retry so much."""
EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(slots=True)
class Watcher:
    """Looks at the evaluator and at Prometheus while the plot waits, and tells what has changed."""

    stage: Stage
    story: Story
    before: Standing | None = None
    pending: set[str] = field(default_factory=set)
    told_at: float = 0.0

    def look(self) -> None:
        """Tell alerts that opened, closed or are pending, and how the budget does."""
        self.stage.check()
        try:
            now = standing(self.stage.page)
        except UnavailableError:
            return  # it may be busy; a page that never comes is noticed by its own deadline
        if self.before is not None:
            for rule in sorted(now.open - self.before.open):
                more = f": {now.objectives[REF].pace}" if rule == RULE else ""
                self.story.event("firing", f"{rule}{more}, says tocsin serve")
                self.told_at = time.monotonic()
            for rule in sorted(self.before.open - now.open):
                self.story.event("cleared", f"{rule}, says tocsin serve")
        self.before = now
        if self.story.zero is None:
            return
        self._pending()
        burning = self.stage.platform.broken()
        every = TELL_EVERY if burning else 2 * TELL_EVERY
        if time.monotonic() - max(self.told_at, self.story.zero) >= every and (burning or RULE in now.open):
            self.told_at = time.monotonic()
            slo = now.objectives[REF]
            self.story.event("burning" if burning else "recovering", f"{slo.pace}; budget left {budget(slo.left)}")

    def _pending(self) -> None:
        """Alerts that wait for their `for`, as Prometheus itself says with the compiled rules."""
        with contextlib.suppress(UnavailableError):
            for labels, _ in query(self.stage.prometheus, 'ALERTS{alertstate="pending"}'):
                name = f"{labels.get('ref') or labels['alertname']}"
                if name not in self.pending:
                    self.pending.add(name)
                    self.story.event("pending", f"{name}, says Prometheus with the compiled rules")


def run(paths: Sequence[str], console: Console, *, once: bool, prometheus: str | None, keep: str | None) -> None:
    """Run all of it; raises MissedError for what did not happen, and leaves logs behind then."""
    story = Story(console)
    story.title("Tocsin: a real Prometheus, a simulated platform, a fault, and the page that follows")
    with workplace(keep) as folder:
        try:
            story.chapter("set-up")
            with stage(paths, folder, story, prometheus) as ready:
                _play(ready, story)
                if not once:
                    _stay(ready, story)
        except TocsinError as error:
            error.hint = (
                "; ".join(filter(None, (error.hint, f"logs are in {folder}" if logs(folder) else None))) or None
            )
            raise


def _play(ready: Stage, story: Story) -> None:
    """The plot."""
    watcher = Watcher(ready, story)
    patience = Patience(watcher.look)
    plot = Plot(ready, story, patience)

    story.chapter("steady state")
    before = plot.steady()
    story.picture_begins()
    story.chapter("fault")
    plot.break_database()
    plot.page()
    plot.burnt(before)
    story.chapter("recovery")
    plot.repair()
    plot.resolves()
    story.chapter("summary")
    story.summary(plot.facts(before, standing(ready.page).objectives[REF].left))


@dataclass(slots=True)
class Plot:
    """The acts, in order; each waits for what must happen and tells it."""

    stage: Stage
    story: Story
    patience: Patience
    broken_at: datetime = EPOCH
    repaired_at: datetime = EPOCH
    paged: Mail | None = None
    resolved: Mail | None = None
    key: str = ""

    def steady(self) -> float:
        """Every objective is healthy; returns the budget left of the one that will burn."""

        def calm() -> Standing | None:
            now = standing(self.stage.page)
            watched = (*now.objectives.values(), *(now.journeys if self.stage.history else ()))
            well = not now.open and all(each.state == "healthy" for each in watched)
            return now if well and now.objectives[REF].left is not None else None

        try:
            now = self.patience.until("every objective is healthy and no alert is open", STEADY_SECONDS, calm)
        except MissedError as error:
            now = standing(self.stage.page)
            watched = (*now.objectives.values(), *now.journeys)
            other = [f"{each.ref} is {each.state}" for each in watched if each.state != "healthy"]
            raise MissedError(f"{error} ({'; '.join([*other, *(f'{rule} is open' for rule in now.open)])})") from None
        self.story.objectives((*now.objectives.values(), *now.journeys))
        for line in now.slas:
            self.story.step(line)
        return now.objectives[REF].left or 0.0

    def break_database(self) -> None:
        """Nearly every request of beCamera fails from now on."""
        self.story.zero = time.monotonic()
        self.broken_at = datetime.now(UTC)
        self.stage.platform.exhaust_connections(self.broken_at.timestamp(), traffic=TRAFFIC, errors=ERRORS)
        self.story.event(
            "fault",
            f"no MySQL connection left: {ERRORS:.0%} of beCamera's requests fail, {TRAFFIC:g}x traffic by retries",
        )

    def page(self) -> None:
        """The page arrives in the mailbox, at Slack and at PagerDuty, and says what it must."""
        receiver = self.stage.receiver
        mail = self._mail("the page arrives in the mailbox", PAGE_SECONDS, page_mail)
        self.paged = mail
        self.story.event("page", f"email to {', '.join(mail.recipients)}")
        self.story.frame(mail.subject, mail.text, "red")
        missing = left_out(mail)
        if missing:
            raise MissedError(f"the page does not name {', '.join(missing)}")
        self.patience.until(
            "Slack gets the page",
            OTHERS_SECONDS,
            lambda: any(slack_message(r, "FIRING") for r in receiver.requests),
        )
        self.story.event("page", "Slack answered ok to the webhook's message")
        self.key = self.patience.until(
            "PagerDuty gets a trigger",
            OTHERS_SECONDS,
            lambda: next(filter(None, map(pagerduty_trigger, receiver.requests)), None),
        )
        self.story.event("page", f"PagerDuty accepted a trigger, dedup_key {self.key}")

    def burnt(self, before: float) -> None:
        """The fault goes on for a while, and the budget is smaller than before it."""
        self.patience.hold(HOLD_SECONDS)

        def smaller() -> bool:
            left = standing(self.stage.page).objectives[REF].left
            return left is not None and left < before

        self.patience.until(f"the budget of {REF} falls below {budget(before)}", OTHERS_SECONDS, smaller)

    def repair(self) -> None:
        """All requests are answered again."""
        self.repaired_at = datetime.now(UTC)
        self.stage.platform.repair(self.repaired_at.timestamp())
        self.story.event("repair", "MySQL has connections again, beCamera answers")
        tier = QUICK_RESET[0]
        self.story.event(
            "recovering",
            f"the page ends {keep_firing_for(tier)} after the last {tier.short} was clean, in case errors come back",
        )

    def resolves(self) -> None:
        """The end is told on every channel that was paged, once."""
        receiver = self.stage.receiver
        mail = self._mail("the mailbox is told that it is over", RESOLVE_SECONDS, resolved_mail)
        self.resolved = mail
        self.story.event("resolved", f"email to {', '.join(mail.recipients)}")
        self.story.frame(mail.subject, brief(mail.text), "green")
        self.patience.until(
            "Slack is told that it is over",
            OTHERS_SECONDS,
            lambda: any(slack_message(r, "RESOLVED") for r in receiver.requests),
        )
        self.story.event("resolved", "Slack answered ok to the closing message")
        self.patience.until(
            "PagerDuty gets the resolve of the same incident",
            OTHERS_SECONDS,
            lambda: any(pagerduty_resolve(r, self.key) for r in receiver.requests),
        )
        self.story.event("resolved", "PagerDuty accepted the resolve of the same dedup_key")
        triggers = sum(pagerduty_trigger(r) == self.key for r in receiver.requests)
        if triggers != 1:
            raise MissedError(f"PagerDuty got {triggers} triggers of one incident instead of one")

    def _mail(self, what: str, seconds: float, wanted: Callable[[Mail], bool]) -> Mail:
        inbox = self.stage.inbox
        try:
            return self.patience.until(what, seconds, lambda: next(filter(wanted, inbox.mails), None))
        except MissedError as error:
            got = "; ".join(mail.subject for mail in inbox.mails) or "nothing"
            raise MissedError(f"{error} (the mailbox has {got})") from None

    def facts(self, before: float, left: float | None) -> Iterator[tuple[str, str]]:
        """What came out."""
        if self.stage.history:
            yield "closed form", f"the error ratio over 1h exceeds its threshold after {float(_detection()):.0f} s"
        if self.paged is not None:
            took = self.paged.received_at - self.broken_at
            yield "fault to email", f"{took.total_seconds():.0f} s (scrape, tick and 10 s of group_wait included)"
        if self.resolved is not None:
            yield "repair to email", f"{(self.resolved.received_at - self.repaired_at).total_seconds():.0f} s"
        yield f"budget of {REF}", f"{budget(before)} left before, {budget(left)} after"
        requests = self.stage.receiver.requests
        by_service = {name: sum(r.service == name for r in requests) for name in ("slack", "pagerduty")}
        counts = [f"email {len(self.stage.inbox.mails)}", *(f"{name} {n}" for name, n in by_service.items())]
        yield "messages", ", ".join(counts)


def _detection() -> Fraction:
    """How long the fault lasts until the long window of the first tier sees it, for 99.9 % over 30 days."""
    (tier, *_), period, errors = QUICK_RESET, Duration.of(days=30), Fraction(str(ERRORS))
    threshold = tier.threshold(period, Decimal("0.999"))
    return detection_time(tier.long.seconds, threshold, errors, traffic=Fraction(str(TRAFFIC))) or Fraction(0)


def brief(text: str) -> str:
    r"""The lines of a message that say how it ended.

    >>> brief("RESOLVED\n\nService  a\nResolved  now\nLabels  x\n--\nfoot")
    'RESOLVED\nService  a\nResolved  now'
    """
    lines = text.partition("\n--\n")[0].splitlines()
    return "\n".join(
        line for line in lines if line.strip() and not line.startswith(("Runbook ", "Labels ", "Evaluated "))
    )


def _stay(ready: Stage, story: Story) -> None:
    """Leave everything running until Ctrl-C."""
    story.chapter("still running")
    story.step(f"page {ready.page}   Prometheus {ready.prometheus}   Ctrl-C ends it")
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            ready.check()
            time.sleep(1.0)

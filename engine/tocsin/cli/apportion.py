"""`tocsin apportion`: what each member has to keep so that a journey keeps what it promises."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from decimal import Decimal
    from fractions import Fraction

    from tocsin.spec import JourneySlo
    from tocsin.workspace import Workspace

_LEAST_WEIGHT, _MOST_WEIGHT = 0.001, 1000


@dataclass(frozen=True, slots=True)
class _Row:
    """A member with the target that it has and the one that it needs; *share* is its budget as one of the journey's."""

    ref: str
    target: "Decimal"
    needs: "Decimal"
    share: "Fraction"
    seconds: "Fraction"

    @property
    def meets(self) -> bool:
        return self.target >= self.needs


@click.command(
    "apportion",
    epilog="\b\nExamples:\n  tocsin apportion people-counting/end-to-end rules\n"
    "  tocsin apportion people-counting/end-to-end rules --weight be-camera/uptime=3 --dependent",
)
@click.argument("ref", metavar="REF")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--weight", "weighed", multiple=True, metavar="MEMBER=N", help="Its part of a series' budget, else 1; repeatable."
)
@click.option("--dependent", is_flag=True, help="Make it hold however outages of members depend on each other.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(ref: str, paths: tuple[str, ...], *, weighed: tuple[str, ...], dependent: bool, style: str) -> int:
    """Apportion the error budget of the journey REF (journey/slo) to its members.

    Prints the target that each member needs so that the journey just keeps its own, beside the one that it has. Members
    are taken as independent; --dependent is safe for any. Targets are rounded up to three digits of what they leave.
    Exit codes: 0 apportioned, 1 errors in the definitions, 2 misuse.
    """
    import json

    from tocsin.cli.findings import show_findings
    from tocsin.definitions import read_definitions

    definitions = read_definitions(paths)
    if definitions.errors:
        show_findings(definitions)
        return 1
    slo = _journey(ref, definitions.workspace)
    targets = {each.ref: each.target for service in definitions.workspace.services for each in service.slos}
    rows = _rows(slo, targets, _weights(weighed, slo), dependent=dependent)
    if style == "json":
        click.echo(json.dumps(_facts(slo, rows, targets, dependent=dependent), indent=2))
    else:
        click.echo("\n".join(_text(slo, rows, targets, dependent=dependent)))
    return 0


def _journey(ref: str, workspace: "Workspace") -> "JourneySlo":
    from tocsin.errors import MisuseError
    from tocsin.explain.find import find
    from tocsin.spec import JourneySlo

    found = find(ref, workspace)
    if isinstance(found, JourneySlo):
        return found
    raise MisuseError(f"{ref} is no objective of a journey", hint="only those have members to apportion a budget to")


def _weights(given: Iterable[str], slo: "JourneySlo") -> "dict[str, Decimal]":
    from tocsin.budget import divided
    from tocsin.errors import MisuseError
    from tocsin.schema.words import did_you_mean, listed
    from tocsin.spec import members
    from tocsin.units import UnitError, parse_decimal

    known, found = dict.fromkeys(member.ref for member in members(slo.combine)), dict[str, "Decimal"]()
    for text in given:
        ref, equals, number = text.partition("=")
        if not equals:
            raise MisuseError(
                f"--weight: {text!r} gives no weight", hint=f"write MEMBER=N, such as {next(iter(known))}=2"
            )
        if ref not in known:
            hint = did_you_mean(ref, known) or f"its members are {listed(known, 'and')}"
            raise MisuseError(f"--weight: {slo.ref} has no member {ref!r}", hint=hint)
        if ref in found:
            raise MisuseError(f"--weight: {ref} is given twice")
        if ref not in divided(slo.combine):
            hint = "weights divide the budget of a series; other parts share alike, or each needs the whole target"
            raise MisuseError(f"--weight: {ref} is in no series", hint=hint)
        try:
            found[ref] = parse_decimal(number)
        except UnitError as error:
            raise MisuseError(f"--weight: {error}") from error
        if found[ref] <= 0:
            raise MisuseError(f"--weight: {text} is not above 0", hint="every member needs some budget")
        if not _LEAST_WEIGHT <= found[ref] <= _MOST_WEIGHT:
            raise MisuseError(f"--weight: {text} is not between {_LEAST_WEIGHT} and {_MOST_WEIGHT}")
    return found


def _rows(
    slo: "JourneySlo", targets: "Mapping[str, Decimal]", weights: "Mapping[str, Decimal]", *, dependent: bool
) -> list[_Row]:
    from tocsin.budget import allowed_downtime, budget_ratio, needs
    from tocsin.budget.ceiling import MOST_REPEATED
    from tocsin.budget.needs import LEAST_BUDGET
    from tocsin.errors import MisuseError
    from tocsin.plan.burn import percent

    needed = needs(slo.combine, slo.target, weights, dependent=dependent)
    if needed is None and 1 - slo.target < LEAST_BUDGET:
        raise MisuseError(f"{slo.ref} promises {percent(slo.target)}, which leaves no budget to apportion")
    if needed is None:
        message = f"{slo.ref} has members at several places, more than {MOST_REPEATED} or some below worst_of"
        raise MisuseError(message, hint="--dependent apportions its budget, however they depend on each other")
    whole = budget_ratio(slo.target)
    return [
        _Row(ref, targets[ref], need, budget_ratio(need) / whole, allowed_downtime(need, slo.window))
        for ref, need in needed.items()
    ]


def _text(slo: "JourneySlo", rows: list[_Row], targets: "Mapping[str, Decimal]", *, dependent: bool) -> Iterator[str]:
    from tocsin.budget import allowed_downtime, ceiling
    from tocsin.explain.table import span, table
    from tocsin.plan.burn import percent
    from tocsin.units import percentage

    now, budget = ceiling(slo.combine, targets), span(allowed_downtime(slo.target, slo.window))
    place = f"{slo.span.path}:{slo.span.line}"
    yield f"{slo.ref}: {percent(slo.target)} over {slo.window}, a budget of {budget}   ({place})"
    if now is not None:
        enough = "enough" if now >= slo.target else "too little"
        yield f"members that just keep their targets now make {percentage(now)}, which is {enough}"
    yield ""
    yield from table(
        ("member", "target now", "needs", "may be bad", "of the budget", "meets it"),
        [
            (
                row.ref,
                percent(row.target),
                percent(row.needs),
                span(row.seconds),
                f"{float(row.share):.1%}",
                "yes" if row.meets else "no",
            )
            for row in rows
        ],
    )
    yield ""
    if dependent:
        yield f"with what they need they make {percent(slo.target)} or more, however their outages depend on each other"
    elif (made := ceiling(slo.combine, {row.ref: row.needs for row in rows})) is not None:
        yield f"with what they need they make {percentage(made)} if their outages are independent, else see --dependent"


def _facts(
    slo: "JourneySlo", rows: list[_Row], targets: "Mapping[str, Decimal]", *, dependent: bool
) -> dict[str, object]:
    from tocsin.budget import ceiling

    now = ceiling(slo.combine, targets)
    return {
        "ref": slo.ref,
        "target": float(slo.target),
        "window": float(slo.window.seconds),
        "ceiling": None if now is None else float(now),
        "dependent": dependent,
        "members": [
            {
                "ref": row.ref,
                "target": float(row.target),
                "needs": float(row.needs),
                "budget_share": float(row.share),
                "bad_seconds": float(row.seconds),
                "meets": row.meets,
            }
            for row in rows
        ],
    }

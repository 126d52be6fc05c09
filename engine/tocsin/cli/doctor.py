"""`tocsin doctor`: what is wrong with a deployment, and what to do."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tocsin.definitions import Definitions
    from tocsin.service.doctor import Checkup, Symptom


@click.command(
    "doctor",
    epilog="\b\nExamples:\n  tocsin doctor rules --url http://localhost:9911 --state tocsin.db\n"
    "  tocsin doctor rules --state tocsin.db --close    # with no evaluator running",
)
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@click.option("--url", metavar="URL", help="A running `tocsin serve`.")
@click.option("--state", metavar="URL_OR_PATH", help="Its state, also while it is stopped; it is only read.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--close", is_flag=True, help="Close open pages without a live alert: their ends go into the outbox.")
def command(paths: tuple[str, ...], *, url: str | None, state: str | None, style: str, close: bool) -> int:
    """Say what is wrong with a deployment, and what to do about it.

    Asks a running service (--url), reads the state (--state), and looks whether the secrets of channels in PATH are
    there, in the environment of this process. --close needs PATH and --state, and that no evaluator leads; the next
    start sends what it put there. Exit codes: 0 healthy, 1 something is wrong, 2 nobody could tell.
    """
    from tocsin.errors import MisuseError
    from tocsin.service.doctor import checkup

    if not (paths or url or state):
        raise MisuseError("nothing to look at", hint="give --url of a running service, --state, or PATH")
    if close and not (paths and state):
        raise MisuseError("--close needs --state, and PATH: the definitions say how each channel is told")
    looked_at: list[str] = []
    symptoms: list[Symptom] = []
    definitions = _definitions(paths, symptoms, looked_at) if paths else None
    notifications = definitions.workspace.notifications if definitions is not None else ()
    if close and state:
        from tocsin.service.doctor_state import close_orphans

        if definitions is None or definitions.errors:
            raise MisuseError("--close: there are errors in the definitions", hint="tocsin check PATH shows them")
        symptoms += close_orphans(state, notifications)
    if url:
        from tocsin.adapters.running import Running
        from tocsin.service.doctor_running import of_running

        service = Running(url)
        _look("service", symptoms, lambda: of_running(service, looked_at))
    if state:
        from tocsin.service.doctor_state import of_state

        _look("state", symptoms, lambda: of_state(state, notifications, looked_at))
    found = checkup(looked_at, dict.fromkeys(symptoms))
    click.echo(found.model_dump_json(by_alias=True, indent=2) if style == "json" else text_of(found))
    if found.healthy:
        return 0
    return 1 if any(symptom.weight == "wrong" for symptom in found.symptoms) else 2


def _look(part: str, symptoms: "list[Symptom]", look: "Callable[[], Iterator[Symptom]]") -> None:
    """Keep what was seen before something did not answer."""
    from tocsin.errors import UnavailableError
    from tocsin.service.doctor import Symptom

    try:
        symptoms.extend(look())
    except UnavailableError as error:
        symptoms.append(Symptom(weight="unknown", part=part, what=str(error), remedy=error.hint or ""))


def _definitions(paths: tuple[str, ...], symptoms: "list[Symptom]", looked_at: list[str]) -> "Definitions":
    """What the definitions lack to be run here."""
    import os

    from tocsin.definitions import read_definitions
    from tocsin.service.doctor import Symptom, count
    from tocsin.service.wiring import missing_secrets

    definitions = read_definitions(paths)
    if definitions.errors:
        what = f"{count(len(definitions.errors), 'error')}, so `tocsin serve` would not start"
        symptoms.append(Symptom(weight="wrong", part="definitions", what=what, remedy="`tocsin check PATH` shows them"))
    for fault in missing_secrets(definitions.workspace.notifications, os.environ):
        remedy = "set it where the evaluator runs; doctor looks in its own environment"
        symptoms.append(Symptom(weight="wrong", part="secrets", what=fault, remedy=remedy))
    names = sorted(name for each in definitions.workspace.notifications for name in each.channels)
    looked_at.append(f"definitions: {count(len(definitions.texts), 'file')}, channels {', '.join(names) or 'none'}")
    return definitions


def text_of(found: "Checkup") -> str:
    """What was looked at, then what is wrong with what to do about it."""
    lines = [f"looked at {line}" for line in found.looked_at]
    for symptom in found.symptoms:
        lines += ["", f"{symptom.weight}: {symptom.part}: {symptom.what}"]
        lines += [f"  do: {symptom.remedy}"] if symptom.remedy else []
    wrong = sum(symptom.weight == "wrong" for symptom in found.symptoms)
    unknown = sum(symptom.weight == "unknown" for symptom in found.symptoms)
    verdict = "healthy" if found.healthy else f"{wrong} wrong, {unknown} that nobody could tell"
    return "\n".join([*lines, "", verdict])

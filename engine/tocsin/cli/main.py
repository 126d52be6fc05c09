"""The `tocsin` command: finds the sub-command, and turns what went wrong into one message and an exit code."""

import contextlib
import gc
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from types import ModuleType

import click

from tocsin.errors import TocsinError

MISUSE = 2
INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""
BROKEN_PIPE = 141
"""128 + SIGPIPE: the reader, such as `head`, had enough."""

COMMANDS = {
    "check": "tocsin.cli.check",
    "compile": "tocsin.cli.compile",
    "test": "tocsin.cli.test",
    "explain": "tocsin.cli.explain",
    "apportion": "tocsin.cli.apportion",
    "route": "tocsin.cli.route",
    "import": "tocsin.cli.import_",
    "serve": "tocsin.cli.serve",
    "status": "tocsin.cli.status",
    "doctor": "tocsin.cli.doctor",
    "evaluate": "tocsin.cli.evaluate",
    "backtest": "tocsin.cli.backtest",
    "simulate": "tocsin.cli.simulate",
    "report": "tocsin.cli.report",
    "demo": "tocsin.cli.demo",
    "schema": "tocsin.cli.schema",
    "rule": "tocsin.cli.rule",
}
"""Name to module; each module holds one click command called `command`."""


class _Commands(click.Group):
    """A group that imports a command only when it is asked for."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """List the commands in the order in which people need them."""
        return [name for name in COMMANDS if _module(name) is not None]

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find the command, or nothing for a name that does not exist."""
        module = _module(cmd_name)
        command = getattr(module, "command", None)
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Say which command was probably meant."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in COMMANDS:
            import difflib

            close = difflib.get_close_matches(name, COMMANDS, n=1)
            meant = f"; did you mean {close[0]!r}?" if close else f"; the commands are {', '.join(COMMANDS)}"
            ctx.fail(f"no such command {name!r}{meant}")
        return super().resolve_command(ctx, args)


def _module(name: str) -> ModuleType | None:
    path = COMMANDS.get(name)
    if path is None:
        return None
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name != path:
            raise
        return None


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nExample:\n  tocsin check rules",
)
@click.option("-v", "--verbose", count=True, help="Say more on stderr; twice for everything.")
@click.version_option(package_name="tocsin", message="%(prog)s %(version)s")
def tocsin(verbose: int) -> None:
    """Alerting and SLAs as code: YAML in, Prometheus rules, burn rates and pages out.

    Exit codes: 0 clean, 1 findings, 2 misuse or a missing tool.
    """
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; the one place that catches a world that failed."""
    gc.set_threshold(100_000, 20, 20)  # definitions are many small things that stay: looking for rings costs a tenth
    try:
        # Not `tocsin.main()`, which would turn a broken pipe into the exit code of findings.
        with tocsin.make_context("tocsin", list(arguments)) as ctx:
            result = tocsin.invoke(ctx)
        sys.stdout.flush()
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return MISUSE
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except TocsinError as error:
        click.echo(f"tocsin: {error}", err=True)
        if error.hint:
            click.echo(f"  hint: {error.hint}", err=True)
        return MISUSE
    except BrokenPipeError:
        # What is left in the buffer has no reader; without this the interpreter complains at exit.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except OSError as error:
        return _unwritable(error)
    return result if isinstance(result, int) else 0


def _unwritable(error: OSError) -> int:
    """Standard output is full or closed; any other trouble with files has become a TocsinError where it happened."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    where = f"{error.filename}: " if error.filename else "the output could not be written: "
    with contextlib.suppress(OSError):
        click.echo(f"tocsin: {where}{error.strerror or error}", err=True)
    return MISUSE


def main() -> None:
    """Run the process's own command line."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # file names may hold bytes that are no text
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()

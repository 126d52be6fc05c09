"""`tocsin demo`: break a simulated platform and watch the page arrive."""

import click


@click.command(
    "demo",
    epilog="\b\nExamples:\n  tocsin demo rules          # leaves the page up until Ctrl-C\n"
    "  tocsin demo rules --once   # ends with 0 after the resolve",
)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--once", is_flag=True, help="End after the resolve; exit with 1 if anything did not happen.")
@click.option("--prometheus", metavar="URL", help="Use this Prometheus instead of starting one; it must scrape us.")
@click.option("--keep", metavar="DIR", help="Keep definitions, compiled files, state and logs in this new folder.")
@click.option("--svg", metavar="FILE", help="Also write what was printed as a picture.")
def command(paths: tuple[str, ...], once: bool, prometheus: str | None, keep: str | None, svg: str | None) -> int:
    """Show the whole way from a fault to the mailbox on this machine, with nothing faked in between.

    Copies the definitions (default: rules), compiles them, and starts a Prometheus with a week of history, exporters
    of a simulated platform, a mailbox, stand-ins for Slack and PagerDuty, and tocsin serve, all on free loopback
    ports. Then the database of the platform runs out of connections. Everything is stopped at the end.
    """
    from pathlib import Path

    from tocsin.demo.expectations import MissedError
    from tocsin.demo.run import run
    from tocsin.demo.story import narrator, picture

    console = narrator(record=svg is not None)
    try:
        run(paths or ("rules",), console, once=once, prometheus=prometheus, keep=keep)
    except MissedError as error:
        click.echo(f"tocsin: {error}", err=True)
        if error.hint:
            click.echo(f"  hint: {error.hint}", err=True)
        return 1
    finally:
        if svg is not None:
            Path(svg).write_text(picture(console), encoding="utf-8")
    return 0

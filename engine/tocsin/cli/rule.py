"""`tocsin rule`: what a code means, why it is a mistake, and what to write instead."""

import click


@click.command("rule", epilog="\b\nExamples:\n  tocsin rule\n  tocsin rule alert/notify")
@click.argument("code", required=False, metavar="[CODE]")
def command(*, code: str | None) -> None:
    """Print the manual page of CODE, or all codes with one line each."""
    from tocsin.codes import ASKED, MANUALS
    from tocsin.errors import MisuseError
    from tocsin.schema.words import did_you_mean

    if code is None:
        width = max(map(len, MANUALS))
        for known, manual in MANUALS.items():
            off = " (off until asked for)" if known in ASKED else ""
            click.echo(f"{known:<{width}}  {manual.splitlines()[0]}{off}")
    elif code in MANUALS:
        click.echo(f"{code}\n\n{MANUALS[code]}")
    else:
        hint = did_you_mean(code, MANUALS) or "`tocsin rule` lists all codes"
        raise MisuseError(f"there is no code {code!r}", hint=hint)

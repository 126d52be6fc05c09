"""`tocsin schema`: the JSON Schemas of the definitions, for editors and other tools."""

import click


@click.command(
    "schema",
    epilog="\b\nExamples:\n  tocsin schema                  # the kinds\n  tocsin schema Service > service.json\n"
    "  tocsin schema -o .schemas      # all of them, as files",
)
@click.argument("kind", required=False)
@click.option("-o", "--output", metavar="DIR", type=click.Path(file_okay=False), help="Write files into DIR.")
def command(kind: str | None, output: str | None) -> None:
    """Print the JSON Schema (2020-12) of KIND, or list the kinds.

    With the YAML language server, begin a file with `# yaml-language-server: $schema=DIR/service.v1.schema.json`.
    """
    from pathlib import Path

    from tocsin.errors import MisuseError, UnavailableError
    from tocsin.schema.words import listed, nearest
    from tocsin_schemas import KINDS, schema_for, schema_text

    if kind is not None and kind not in KINDS:
        near = nearest(kind, KINDS)
        if near is None or near.lower() != kind.lower():
            hint = f"did you mean {near}?" if near else f"the kinds are {listed(KINDS, 'and')}"
            raise MisuseError(f"there is no kind {kind!r}", hint=hint)
        kind = near
    if output is None and kind is None:
        for name in KINDS:
            click.echo(f"{name:<15}{schema_for(name)['description']}")
        return
    for name in KINDS if kind is None else (kind,):
        if output is None:
            click.echo(schema_text(name), nl=False)
            continue
        target = Path(output, KINDS[name])
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(schema_text(name), encoding="utf-8")
        except OSError as error:
            raise UnavailableError(f"{target}: cannot write: {error.strerror}") from error
        click.echo(str(target))

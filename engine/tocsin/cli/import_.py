"""`tocsin import`: definitions of other programs to definitions of the language."""

import click

FORMATS = ("prometheus", "sloth", "pyrra", "openslo")
"""Said here too, so that --help does not read every importer."""


@click.command(
    "import",
    epilog="\b\nExamples:\n  tocsin import prometheus /etc/prometheus/rules -o rules\n"
    "  tocsin import sloth slos/*.yml -o rules --report losses.json\n  tocsin import openslo slo.yaml",
)
@click.argument("format_", type=click.Choice(FORMATS), metavar="FORMAT")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("-o", "--output", metavar="DIR", help="Where to write one file for each service; else it is printed.")
@click.option("--report", "report_", metavar="FILE",
              help="Where to write the loss report: JSON if the name ends in .json, else text.")  # fmt: skip
@click.option("--service", metavar="NAME", default="", help="The name of the service; else what the file says.")
@click.option("--force", is_flag=True, help="Replace files that are there already.")
def command(
    *, format_: str, paths: tuple[str, ...], output: str | None, report_: str | None, service: str, force: bool
) -> int:
    """Read rules of Prometheus, or objectives of Sloth, Pyrra or OpenSLO, and write definitions.

    FORMAT is prometheus, sloth, pyrra or openslo. Whatever cannot be said is listed on stderr with its place: lost (not
    taken over), changed (taken over as something else) or added. Comments are kept.

    Exit codes: 0 nothing is lost, 1 something is lost or was invalid, 2 misuse.
    """
    from tocsin.adapters.files import read_sources, write_new
    from tocsin.errors import MisuseError
    from tocsin.importers import IMPORTERS, convert
    from tocsin.importers.names import service_name
    from tocsin.importers.report import as_json, as_text

    if service and service_name(service) != service:
        raise MisuseError(
            f"{service!r} is not a name of lower-case letters, digits and dashes",
            hint=f"write --service {service_name(service)}",
        )
    sources, unread = read_sources(paths, generated_too=True)
    imported = convert(IMPORTERS[format_], [(source.path, source.text) for source in sources], service, unread)
    texts = {source.path: source.text for source in sources}
    if output is not None:
        write_new(imported.files, output, force=force)
    else:
        click.echo("---\n".join(imported.files.values()), nl=False)
    if report_ is not None:
        text = as_json(imported) if report_.endswith(".json") else as_text(imported, texts)
        write_new({report_: text}, ".", force=True)
    click.echo(as_text(imported, texts), err=True, nl=False)
    return 0 if imported.complete else 1

"""`tocsin compile`: definitions to Prometheus rule files and configuration."""

import click


@click.command("compile", epilog="\b\nExamples:\n  tocsin compile rules -o out\n  tocsin compile rules -o out --check")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("-o", "--output", required=True, metavar="DIR", help="Where to write DIR/prometheus/….")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if DIR is not up to date.")
def command(paths: tuple[str, ...], output: str, check: bool) -> int:
    """Write Prometheus rule files and prometheus.yml.

    The same definitions give the same bytes. Files are replaced in one step each; generated files that are not needed
    any more are removed. Findings are printed, and with an error among them nothing is written. All checks run but
    those of promtool, which `tocsin check` asks too: output must not depend on what is installed.
    """
    from tocsin.adapters.files import check_artifacts, write_artifacts
    from tocsin.cli.findings import show_findings
    from tocsin.definitions import read_definitions
    from tocsin.errors import MisuseError
    from tocsin.targets import TARGETS

    if not output.strip():
        raise MisuseError("-o names no folder")
    definitions = read_definitions(paths)
    show_findings(definitions)
    if definitions.errors:
        return 1
    artifacts = [each for target in TARGETS.values() for each in target(definitions.plan, definitions.workspace)]
    rules = sum(len(group.rules) for group in definitions.plan.groups)
    if check:
        differences = check_artifacts(artifacts, output)
        for path, what in differences:
            click.echo(f"{output}/{path}: {what}")
        if differences:
            click.echo(f"not up to date; run: tocsin compile {' '.join(paths)} -o {output}", err=True)
        return 1 if differences else 0
    changed = write_artifacts(artifacts, output)
    click.echo(f"{rules} rules in {len(artifacts)} files under {output}, {len(changed)} changed")
    return 0

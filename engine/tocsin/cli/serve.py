"""`tocsin serve`: evaluate, notify, and show how things stand."""

import click


@click.command(
    "serve",
    epilog="\b\nExamples:\n  tocsin serve rules --prometheus http://localhost:9090 --state tocsin.db\n"
    "  kill -HUP PID    # read the definitions again",
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--prometheus",
    metavar="URL",
    envvar="TOCSIN_PROMETHEUS",
    show_envvar=True,
    help="A server with the Prometheus HTTP API.",
)
@click.option(
    "--state",
    metavar="URL_OR_PATH",
    envvar="TOCSIN_STATE",
    show_envvar=True,
    default="tocsin.db",
    show_default=True,
    help="Where alerts, episodes and the outbox are kept: a SQLite file or a database URL.",
)
@click.option(
    "--listen",
    metavar="HOST:PORT",
    envvar="TOCSIN_LISTEN",
    show_envvar=True,
    default="127.0.0.1:9911",
    show_default=True,
    help="Where the page and the API are; port 0 takes a free one.",
)
@click.option(
    "--interval",
    metavar="DURATION",
    envvar="TOCSIN_INTERVAL",
    show_envvar=True,
    default="15s",
    show_default=True,
    help="Distance of two evaluations, 1s to 5m.",
)
@click.option(
    "--heartbeat",
    metavar="URL",
    envvar="TOCSIN_HEARTBEAT",
    show_envvar=True,
    help="Requested while all is well, so that a watcher elsewhere notices when it is not.",
)
@click.option(
    "--heartbeat-every",
    "beat_every",
    metavar="DURATION",
    envvar="TOCSIN_HEARTBEAT_EVERY",
    show_envvar=True,
    default="1m",
    show_default=True,
    help="Distance of two heartbeats, 1s to 1h.",
)
@click.option(
    "--public-url",
    metavar="URL",
    envvar="TOCSIN_PUBLIC_URL",
    show_envvar=True,
    help="Where people reach the page: messages then link to where an alert is acknowledged or silenced.",
)
@click.option(
    "--public-prometheus",
    metavar="URL",
    envvar="TOCSIN_PUBLIC_PROMETHEUS",
    show_envvar=True,
    help="Where people reach the metric source: messages then link to the graph of what fired.",
)
@click.pass_context
def command(  # one parameter for each flag
    ctx: click.Context,
    paths: tuple[str, ...],
    *,
    prometheus: str | None,
    state: str,
    listen: str,
    interval: str,
    heartbeat: str | None,
    beat_every: str,
    public_url: str | None,
    public_prometheus: str | None,
) -> int:
    """Evaluate SLOs and alerts, notify, and serve the status page and the API.

    Prints one line with its address and logs JSON lines on stderr. SIGHUP reads the definitions again (a broken file
    keeps the old set), SIGTERM and SIGINT give up the evaluation under way, deliver what is due for up to 10 s and end.
    Exit codes: 0 stopped, 1 findings in the definitions at start, 2 misuse, or something that is needed is missing.
    """
    from tocsin.definitions import read_definitions
    from tocsin.service.findings import log_findings
    from tocsin.service.run import serve
    from tocsin.service.telemetry import configure_logging
    from tocsin.settings import Settings

    settings = Settings.parse(
        paths=paths,
        prometheus=prometheus,
        state=state,
        listen=listen,
        interval=interval,
        heartbeat=heartbeat,
        beat_every=beat_every,
        public_url=public_url,
        public_prometheus=public_prometheus,
    )
    verbose = bool(ctx.parent and ctx.parent.params.get("verbose"))
    with configure_logging(verbose=verbose):
        definitions = read_definitions(settings.paths)
        log_findings(definitions.findings)
        if definitions.errors:
            return 1
        serve(settings, definitions, lambda url: click.echo(f"listening on {url}"))
    return 0

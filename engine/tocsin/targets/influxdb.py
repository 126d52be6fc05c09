"""InfluxDB's retention policies as statements; the remote write that fills it stands in `prometheus.yml`.

https://docs.influxdata.com/influxdb/v1/query_language/manage-database/#create-retention-policies-with-create-retention-policy
"""

from collections.abc import Iterator

from tocsin.diagnostics import Diagnostic
from tocsin.plan import Plan
from tocsin.spec import InfluxDb
from tocsin.targets.artifact import Artifact, origin
from tocsin.targets.yaml_text import Yaml
from tocsin.units import Duration
from tocsin.workspace import Workspace

PASSWORD_FILE = "/etc/prometheus/secrets/influxdb-password"  # noqa: S105  # where it stands, not what it is
DEFAULT = "default"
_SHORTEST = Duration.of(hours=1)


def has_influxdb(workspace: Workspace) -> bool:
    """Whether samples are to be kept there."""
    platform = workspace.platform
    return platform is not None and platform.influxdb is not None and platform.influxdb.enabled


def influxdb(_plan: Plan, workspace: Workspace) -> tuple[Artifact, ...]:
    """One file of statements; nothing where the Platform knows no InfluxDB."""
    if workspace.platform is None or workspace.platform.influxdb is None:
        return ()
    text = "".join(_statements(workspace.platform.influxdb, workspace.platform.span.path))
    return (Artifact("influxdb/retention.influxql", text),)


def _statements(settings: InfluxDb, path: str) -> Iterator[str]:
    database, default = _quoted(settings.database), _default(settings)
    yield f"-- {origin([path])}\n"
    yield f"-- Run with: curl {_address(settings)}/query --data-urlencode q@retention.influxql\n"
    yield "-- Creating again changes nothing; where a policy has other settings by now, use ALTER RETENTION POLICY.\n"
    yield f"CREATE DATABASE {database};\n"
    for name, length in settings.retention.items():
        yield (
            f"CREATE RETENTION POLICY {_quoted(name)} ON {database} DURATION {length} "
            f"REPLICATION {settings.replication_factor} SHARD DURATION {settings.shard_duration}"
            f"{' DEFAULT' if name == default else ''};\n"
        )


def refused(_plan: Plan, workspace: Workspace) -> tuple[Diagnostic, ...]:
    """The policies that InfluxDB would refuse."""
    if workspace.platform is None or workspace.platform.influxdb is None:
        return ()
    settings = workspace.platform.influxdb
    least = max(_SHORTEST, settings.shard_duration)
    return tuple(
        Diagnostic(
            "influxdb/retention",
            workspace.platform.span,
            f"InfluxDB refuses the retention policy {name} of {length}: it is at least an hour long, and at least as "
            f"long as a shard, here {settings.shard_duration}",
            hint=f"make it {least} or more, or the shard shorter",
        )
        for name, length in settings.retention.items()
        if length < least
    )


def remote_write(settings: InfluxDb) -> dict[str, Yaml]:
    """How Prometheus writes to it; a password in the URL goes to a file."""
    login = _login(settings)
    query = f"db={_escaped(settings.database)}"
    if default := _default(settings):
        query += f"&rp={_escaped(default)}"
    made: dict[str, Yaml] = {
        "name": "influxdb",
        "url": f"{_address(settings)}/api/v1/prom/write?{query}",
    }
    if login:
        made["basic_auth"] = {"username": login.partition(":")[0], "password_file": PASSWORD_FILE}
    return made


def _address(settings: InfluxDb) -> str:
    """The URL without what comes before an `@`."""
    scheme, _, rest = settings.url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{(slash + path).rstrip('/')}"


def _login(settings: InfluxDb) -> str:
    return settings.url.partition("://")[2].partition("/")[0].rpartition("@")[0]


def _default(settings: InfluxDb) -> str | None:
    """The policy that is written to: `default`, or the only one."""
    names = list(settings.retention)
    return DEFAULT if DEFAULT in names else names[0] if len(names) == 1 else None


def _quoted(name: str) -> str:
    """Write an identifier; `default` is a keyword there."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _escaped(text: str) -> str:
    """Write a value in a URL's query.

    >>> _escaped("a b&c")
    'a%20b%26c'
    """
    return "".join(
        c if c.isascii() and (c.isalnum() or c in "-._~") else "".join(f"%{byte:02X}" for byte in c.encode())
        for c in text
    )

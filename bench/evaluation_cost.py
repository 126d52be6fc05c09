"""What our rules cost a real Prometheus, beside Sloth's rules for the same objectives, and which of them page first.

A database is filled with three days of raw counters and thirty days of recorded series, minute by minute, for DISTINCT
objectives, which a scraped page then continues; each rule file is loaded COPIES times, so that DISTINCT * COPIES
objectives are evaluated. Samples are those that the engine says it read (`stats=all`), per minute. Seconds are what
`prometheus_rule_group_duration_seconds_sum` grows by in MEASURED minutes, per minute, after each group has been
evaluated once: the first evaluation reads cold blocks. They are wall time, so the processor time of the whole server,
scrapes and all, stands beside them. Raw series are shared among copies, which changes nothing about how many are read.

Both tools get the same objectives (ratios, 99.9 % over 30 days, page and ticket), a server each with the same history,
and the same minutes, so that what else the machine does slows down both; what each reads most is printed, because a few
rules make most of the difference.
"""

import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import yaml

from bench.compile_speed import sloth_definitions
from bench.servers import Server
from tocsin.adapters.children import LOOPBACK
from tocsin.demo.loopback import LoopbackServer
from tocsin.plan import RuleGroup, plan
from tocsin.plan.budget import INTERVAL
from tocsin.plan.series import ONCE_AN_HOUR, TO_THE_HOUR
from tocsin.targets.prometheus import rule_file
from tocsin.workspace import Source, read_workspace

DISTINCT, COPIES, INSTANCES = 10, 50, 3
MINUTE, DAY = 60, 86_400
RAW_SECONDS = 3 * DAY + 3600
ERRORS = ("1", "0.021", "0.013")
"""No exact ties, such as 0.01, 0.02 and 0.012: there our exact threshold is reached one evaluation after a float that
lies below it."""
SEVERITIES = ("page", "ticket")
TOLD = {
    "tocsin page": 'ALERTS{alertstate="firing",alertname="ErrorBudgetBurn",severity="critical"}',
    "tocsin ticket": 'ALERTS{alertstate="firing",alertname="ErrorBudgetBurn",severity="warning"}',
    "sloth page": 'ALERTS{alertstate="firing",sloth_severity="page"}',
    "sloth ticket": 'ALERTS{alertstate="firing",sloth_severity="ticket"}',
}
"""The alerts of each tool, by severity."""
MOST_READ = 4
"""Rules of each tool to print."""
MEASURED = 4
"""Minutes over which rule seconds are counted: a multiple of the interval of every group."""
BEFORE, AFTER = 4_400, 400
"""Minutes of clean history, so that every window is full, and minutes of the outage."""


def definitions(count: int) -> str:
    """The objectives that `sloth_definitions` writes for Sloth."""
    lines = ["apiVersion: tocsin/v1", "kind: Service", "name: service-0", "slis:"]
    for number in range(count):
        total = f'http_requests_total{{job="service-0",route="/{number}"}}'
        bad = total.replace("}", ',code=~"5.."}')
        lines.append(f"  slo-{number}: {{ratio: {{bad: '{bad}', total: '{total}'}}}}")
    lines += ["slos:", *(f"  slo-{number}: {{sli: slo-{number}, target: 99.9%}}" for number in range(count))]
    return "\n".join(lines) + "\n"


def own_groups(count: int) -> tuple[RuleGroup, ...]:
    """Our rules."""
    workspace, _ = read_workspace([Source("service.yaml", definitions(count))])
    return plan(workspace)[0].groups


def sloth_rules(folder: Path, count: int) -> str | None:
    """Sloth's rules; None where it is not installed."""
    sloth = shutil.which("sloth")
    if sloth is None:
        return None
    (folder / "sloth.in.yml").write_text(sloth_definitions(0, count), encoding="utf-8")
    command = [sloth, "generate", "-i", f"{folder}/sloth.in.yml", "-o", f"{folder}/sloth.yml"]
    subprocess.run(command, check=True, capture_output=True)
    return (folder / "sloth.yml").read_text(encoding="utf-8")


# --- history -------------------------------------------------------------------------------------------------


def counters(count: int) -> Iterator[tuple[str, int]]:
    """Each raw series, and what it counts in a minute."""
    for number in range(count):
        for instance in range(INSTANCES):
            for code, rate in (("200", 1197), ("404", 2), ("500", 1)):
                labels = f'job="service-0",route="/{number}",instance="{instance}",code="{code}"'
                yield f"http_requests_total{{{labels}}}", rate


def history(now: int, count: int, rules: dict[str, str]) -> Iterator[str]:
    """Raw counters, and whatever the rules record and look back at."""
    yield "# TYPE http_requests counter\n"
    for series, rate in counters(count):
        for at in range(now - RAW_SECONDS, now, MINUTE):
            yield f"{series} {(at - now + RAW_SECONDS) * rate // MINUTE} {at}\n"
    recorded = sorted({found for text in rules.values() for found in _recorded(text)})
    for series, labels in recorded:
        length = _looked_back_at(series)
        yield f"# TYPE {series} gauge\n" if labels.endswith('slo="slo-0"') or 'sloth_slo="slo-0"' in labels else ""
        value = now - 40 * DAY if "born" in series else 0.3 if "bad" in series or "ratio" in series else 300
        hourly = TO_THE_HOUR if series.endswith(":increase1h") else ONCE_AN_HOUR if "hourly" in series else None
        for at in range(now - length, now, MINUTE):
            if hourly and ((at - 1) % 3600 < 3600 - hourly.seconds or at % INTERVAL.seconds):
                continue  # recorded by the budget's group, at its interval
            yield f"{series}{{{labels}}} {value} {at}\n"


def filled(folder: Path, now: int, rules: dict[str, str]) -> Path:
    """Blocks with that history of DISTINCT objectives."""
    with (folder / "samples.txt").open("w", encoding="utf-8") as file:
        file.writelines(history(now, DISTINCT, rules))
        file.write("# EOF\n")
    blocks = [shutil.which("promtool") or "promtool", "tsdb", "create-blocks-from", "openmetrics"]
    blocks += ["--max-block-duration=720h", f"{folder}/samples.txt", f"{folder}/blocks"]
    subprocess.run(blocks, check=True, capture_output=True)
    return folder / "blocks"


def _recorded(text: str) -> Iterator[tuple[str, str]]:
    for group in yaml.safe_load(text)["groups"]:
        for rule in group["rules"]:
            if "record" in rule and _looked_back_at(rule["record"]):
                yield rule["record"], ",".join(f'{name}="{value}"' for name, value in sorted(rule["labels"].items()))


def _looked_back_at(series: str) -> int:
    """How far back rules read it, in seconds; 0 for what is only read at the same instant."""
    if series == "slo:sli_error:ratio_rate5m" or re.fullmatch(
        r"slo:(bad|total):(rate1h|increase1h)|slo:born(_hourly)?:timestamp_seconds", series
    ):
        return 30 * DAY
    if re.fullmatch(r"slo:(bad|total):rate(2h|6h|1d)", series):
        return 8 * DAY if series == "slo:total:rate1d" else 3 * DAY
    if series == "slo:total:rate30m":
        return 8 * DAY  # the same time of the day a week ago
    return DAY if series == "slo:total:rate5m" else 0


# --- a server ------------------------------------------------------------------------------------------------


@contextmanager
def exporter(start: int, count: int) -> Iterator[str]:
    """An address at which the raw counters can be scraped: they go on where the history ends."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            since = time.time() - start + RAW_SECONDS
            lines = (f"{series} {int(since * rate / MINUTE)}\n" for series, rate in counters(count))
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write("".join(lines).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    with LoopbackServer(Page) as server:
        yield f"{LOOPBACK}:{server.port}"


def samples(server: Server, rules: str, now: int) -> dict[str, int]:
    """Samples that one evaluation of each rule reads, added up by what is recorded or alerted."""
    found: dict[str, int] = {}
    for group in yaml.safe_load(rules)["groups"]:
        for rule in group["rules"]:
            stats = server.get("query", query=str(rule["expr"]), time=str(now - 120), stats="all")["stats"]
            name = rule.get("record") or rule["alert"]
            found[name] = found.get(name, 0) + stats["samples"]["totalQueryableSamples"]
    return found


def together(servers: dict[str, Server]) -> dict[str, dict[str, float]]:
    """Seconds per minute of each, over the same minutes: whatever else the machine does slows down both."""
    for server in servers.values():
        server.warm()
    before = {tool: (server.seconds(), server.cost().cpu) for tool, server in servers.items()}
    time.sleep(MEASURED * MINUTE)
    after = {tool: (server.seconds(), server.cost().cpu) for tool, server in servers.items()}
    return {
        tool: {
            name: (now - then) / MEASURED
            for name, now, then in zip(("seconds", "processor"), after[tool], before[tool], strict=True)
        }
        for tool in servers
    }


def run() -> dict[str, Any]:
    """Measure both; Sloth is left out where it is not on PATH."""
    with tempfile.TemporaryDirectory() as name:
        folder, now = Path(name), int(time.time()) // 60 * 60
        rules = {"tocsin": rule_file(own_groups(DISTINCT))}
        if (others := sloth_rules(folder, DISTINCT)) is not None:
            rules["sloth"] = others
        filled(folder, now, rules)
        found: dict[str, Any] = {
            "objectives": DISTINCT * COPIES,
            "series": 3 * INSTANCES,
            "first": first_alerts(folder),
        }
        with ExitStack() as stack:
            servers = {}
            for tool, text in rules.items():
                (folder / tool).mkdir()
                scraped = stack.enter_context(exporter(now, DISTINCT))
                servers[tool] = Server(folder / tool, folder / "blocks", scraped, [text] * COPIES)
                stack.callback(servers[tool].close)
            seconds = together(servers)
            read = {tool: samples(server, rules[tool], now) for tool, server in servers.items()}
        for tool, text in rules.items():
            found[tool] = {
                **seconds[tool],
                "samples": sum(read[tool].values()) * COPIES,
                "by_rule": {name: one // DISTINCT for name, one in sorted(read[tool].items())},
                "rules": sum(len(group["rules"]) for group in yaml.safe_load(text)["groups"]) // DISTINCT,
            }
        return found


# --- detection -----------------------------------------------------------------------------------------------


def first_alerts(folder: Path) -> dict[str, dict[str, float | None]]:
    """In which minute after its start an outage is told, by error ratio, severity and tool, as promtool sees it."""
    found: dict[str, dict[str, float | None]] = {}
    rules = {"tocsin": rule_file(own_groups(1))}
    if (others := sloth_rules(folder, 1)) is not None:
        rules["sloth"] = others
    for tool, text in rules.items():
        (folder / f"{tool}.rules.yml").write_text(text, encoding="utf-8")
    cases = [(tool, errors) for errors in ERRORS for tool in rules]
    with ThreadPoolExecutor(os.cpu_count()) as workers:  # each waits for a promtool
        for (tool, errors), minutes in zip(
            cases, workers.map(lambda case: _minutes(folder, *case), cases), strict=True
        ):
            for severity, minute in zip(SEVERITIES, minutes, strict=True):
                found.setdefault(f"{errors} {severity}", {})[tool] = minute
    return found


def _minutes(folder: Path, tool: str, errors: str) -> list[float | None]:
    """When page and ticket are told; promtool says what it got in the place of a value that cannot be."""
    lost = round(6000 * float(errors))
    series = {"200": (6000, 6000 - lost), "500": (0, lost)}
    test = {
        "interval": "1m",
        "input_series": [
            {
                "series": f'http_requests_total{{job="service-0",route="/0",instance="0",code="{code}"}}',
                "values": f"0+{calm}x{BEFORE} {calm * BEFORE + hot}+{hot}x{AFTER}",
            }
            for code, (calm, hot) in series.items()
        ],
        "promql_expr_test": [
            {
                "expr": f"min(min_over_time(timestamp({TOLD[f'{tool} {severity}']})[{AFTER}m:1m])) / 60"
                f" - {BEFORE} + 0 * {number}",
                "eval_time": f"{BEFORE + AFTER}m",
                "exp_samples": [{"labels": "{}", "value": -1}],
            }
            for number, severity in enumerate(SEVERITIES)
        ],
    }
    content = {"rule_files": [f"{tool}.rules.yml"], "evaluation_interval": "1m", "tests": [test]}
    file = folder / f"{tool}-{errors}.test.yml"
    file.write_text(json.dumps(content), encoding="utf-8")
    command = ["promtool", "test", "rules", file.name]
    told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    answers = re.findall(r"got:\s*(nil|\{\} (\S+))", told.stdout + told.stderr)
    return [None if answer == "nil" else float(value) for answer, value in answers]


def table(result: dict[str, Any]) -> str:
    """What was measured, as text."""
    tools = [tool for tool in ("tocsin", "sloth") if tool in result]
    lines = [f"evaluation of {result['objectives']} objectives, {result['series']} raw series each, per minute:"]
    lines.append(f"  {'':8} {'rules each':>10} {'samples':>12} {'rule s':>8} {'server cpu s':>12}")
    for tool in tools:
        one = result[tool]
        lines.append(
            f"  {tool:8} {one['rules']:>10} {one['samples']:>12,} {one['seconds']:>8.2f} {one['processor']:>12.2f}"
        )
    if "sloth" in result:
        parts = [result["tocsin"][key] / result["sloth"][key] for key in ("samples", "seconds", "processor")]
        lines.append("  ours: {:.0%} of the samples, {:.0%} of the rule seconds, {:.0%} of the server's".format(*parts))
    else:
        lines.append("  left out: sloth (not on PATH)")
    for tool in tools:
        most = sorted(result[tool]["by_rule"].items(), key=lambda pair: -pair[1])[:MOST_READ]
        lines.append(f"  read most by {tool}, per objective: " + ", ".join(f"{name} {read:,}" for name, read in most))
    lines.append("minute of the first alert, by error ratio (none of them an exact tie with a threshold):")
    for what, row in result["first"].items():
        lines.append(f"  {what:12} " + "  ".join(f"{tool} {_minute(row.get(tool))}" for tool in tools))
    if "sloth" in result:
        later = [what for what, row in result["first"].items() if _or_never(row, "tocsin") > _or_never(row, "sloth")]
        lines.append(f"  ours is later: {', '.join(later) or 'nowhere'}")
    return "\n".join(lines)


def _or_never(row: dict[str, float | None], tool: str) -> float:
    value = row.get(tool)
    return math.inf if value is None or math.isnan(value) else value


def _minute(value: float | None) -> str:
    return "never" if value is None or math.isnan(value) else f"{value:g}"


if __name__ == "__main__":
    measured = run()
    print(table(measured))
    if "-v" in sys.argv:
        print(json.dumps(measured, indent=1))

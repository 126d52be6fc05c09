"""Definitions to generated files, byte by byte; `pytest --update-golden` rewrites, and the diff is to be read."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tocsin.adapters.artifacts import check_artifacts, write_artifacts
from tocsin.diagnostics import Severity
from tocsin.plan import plan
from tocsin.targets import TARGETS, Artifact
from tocsin.workspace import Source, Workspace, read_workspace

SMALL = """\
apiVersion: tocsin/v1
kind: Service
name: {name}
alerts: {{Down: {{expr: up == 0, severity: info}}}}
"""
GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(path.name for path in GOLDEN.iterdir() if (path / "in.yaml").is_file())


def compiled(case: str) -> tuple[Artifact, ...]:
    """What the case's definitions compile to."""
    source = Source("in.yaml", (GOLDEN / case / "in.yaml").read_text(encoding="utf-8"))
    workspace, misread = read_workspace([source])
    assert [finding for finding in misread if finding.severity is Severity.ERROR] == []
    return rendered(workspace)


def rendered(workspace: Workspace) -> tuple[Artifact, ...]:
    """What all targets make of *workspace*."""
    planned, unplanned = plan(workspace)
    assert [finding for finding in unplanned if finding.severity is Severity.ERROR] == []
    return tuple(artifact for target in TARGETS.values() for artifact in target.render(planned, workspace))


@pytest.mark.parametrize("case", CASES)
def test_output_is_as_committed(case: str, update_golden: bool) -> None:
    """The same definitions give the same bytes."""
    out = GOLDEN / case / "out"
    artifacts = compiled(case)
    if update_golden:
        shutil.rmtree(out, ignore_errors=True)
        write_artifacts(artifacts, str(out))

    different = check_artifacts(artifacts, str(out))
    assert different == (), "if that is meant: pytest tests/unit/test_golden.py --update-golden, and read the diff"


@pytest.mark.real
def test_promtool_accepts_all_output() -> None:
    """Every rule file and configuration is well formed to Prometheus itself, keys and all."""
    rules = sorted(GOLDEN.glob("*/out/prometheus/rules/*.yml"))
    configurations = sorted(GOLDEN.glob("*/out/prometheus/prometheus.yml"))
    linted = ["config", "--lint=all", "--lint-fatal", *map(str, configurations)]
    runs = [
        subprocess.run(["promtool", "check", *arguments], capture_output=True, text=True, timeout=60, check=False)
        for arguments in (["rules", *map(str, rules)], linted)
    ]

    assert ["" if run.returncode == 0 else run.stdout + run.stderr for run in runs] == ["", ""]


def test_order_of_files_does_not_matter() -> None:
    """Files in any order give the same bytes."""
    sources = [Source(f"{name}.yaml", SMALL.format(name=name)) for name in ("cart", "pay", "shop")]
    outputs = set()
    for order in (sources, sources[::-1], [sources[1], sources[2], sources[0]]):
        workspace, findings = read_workspace(order)
        assert findings == ()
        outputs.add(rendered(workspace))

    assert len(outputs) == 1

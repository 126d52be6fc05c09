"""Any valid workspace compiles, to the same bytes in any order, and says in Prometheus what was written."""

import json
import random

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests import oracle
from tests.strategies import QUARTER, labels, workspaces, written

from tocsin.adapters.promtool import find_promtool
from tocsin.definitions import Definitions, definitions_of
from tocsin.targets import TARGETS, Artifact
from tocsin.targets.artifact import HEADER, MARK
from tocsin.workspace import Source

MADE_UP = workspaces()
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


def compiled(sources: tuple[Source, ...]) -> Definitions:
    """What is made of *sources*, which are valid."""
    definitions = definitions_of(sources)
    assert [(finding.code, finding.message) for finding in definitions.errors] == []
    return definitions


def rendered(definitions: Definitions) -> dict[str, str]:
    """The files of every target."""
    return {
        artifact.path: artifact.text
        for target in TARGETS.values()
        for artifact in target.render(definitions.plan, definitions.workspace)
    }


@settings(suppress_health_check=SLOW, max_examples=QUARTER)
@given(MADE_UP, st.randoms(use_true_random=False))
def test_output_does_not_depend_on_the_order_of_files(sources: tuple[Source, ...], chance: random.Random) -> None:
    """Of all targets, to the byte."""
    shuffled = list(sources)
    chance.shuffle(shuffled)

    assert rendered(compiled(sources)) == rendered(compiled(tuple(shuffled)))


@settings(suppress_health_check=SLOW, max_examples=QUARTER)
@given(MADE_UP)
def test_every_target_writes_what_it_says_it_writes(sources: tuple[Source, ...]) -> None:
    """Paths below its own folder, each once; YAML and JSON that can be read; the mark by which files are known."""
    definitions = compiled(sources)
    for name, target in TARGETS.items():
        artifacts: tuple[Artifact, ...] = target.render(definitions.plan, definitions.workspace)
        target.findings(definitions.plan, definitions.workspace)
        assert {artifact.path.split("/")[0] for artifact in artifacts} <= {name}
        assert len({artifact.path for artifact in artifacts}) == len(artifacts)
        for artifact in artifacts:
            assert MARK in artifact.text[:200]
            if artifact.path.endswith(".yml"):
                assert artifact.text.startswith(HEADER)
                assert all(isinstance(each, dict) for each in yaml.load_all(artifact.text, yaml.CSafeLoader))
            if artifact.path.endswith(".json"):
                json.loads(artifact.text)


@pytest.mark.real
@settings(max_examples=3, suppress_health_check=SLOW, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.lists(MADE_UP, min_size=12, max_size=12))
def test_promtool_accepts_every_workspace(some: list[tuple[Source, ...]]) -> None:
    """Rule files and the rules inside Kubernetes objects, a dozen workspaces to a run."""
    files: dict[str, str] = {}
    for number, sources in enumerate(some):
        for path, text in rendered(compiled(sources)).items():
            if path.startswith("prometheus/rules/"):
                files[f"{number}-{path.replace('/', '-')}"] = text
            if path.startswith("kubernetes/"):
                groups = yaml.load(text, yaml.CSafeLoader)["spec"]["groups"]
                files[f"{number}-{path.replace('/', '-')}"] = written({"groups": groups})

    assert find_promtool().check_rules(files) == ()


@pytest.mark.real
@settings(max_examples=3, suppress_health_check=SLOW, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.lists(labels(), min_size=10, max_size=10))
def test_values_of_labels_survive(some: list[dict[str, str]]) -> None:
    """Of services, alerts and recordings: what Prometheus says of them is what was written, empty ones gone."""
    ref = [f"s{number}" for number in range(len(some))]
    documents = [
        {
            "apiVersion": "tocsin/v1",
            "kind": "Service",
            "name": name,
            "labels": values,
            "alerts": {
                "Always": {"expr": "vector(1) > 0", "labels": dict(reversed(values.items())), "severity": "info"}
            },
            "recordings": [{"record": f"job:{name}:one", "expr": "vector(1)", "labels": values}],
        }
        for name, values in zip(ref, some, strict=True)
    ]
    definitions = compiled(tuple(Source(f"{n}.yaml", written(each)) for n, each in enumerate(documents)))
    questions = [(oracle.firing("Always", service=name), 120) for name in ref]
    questions += [(f"job:{name}:one", 120) for name in ref]
    answers = oracle.ask(definitions.plan.groups, {"up": [1.0, 1.0, 1.0]}, questions)

    got = [dict(labels) for rows in answers for labels in rows]
    own = {"alertname", "alertstate", "service", "severity", "ref"}
    assert [{k: v for k, v in each.items() if k not in own} for each in got] == [
        {k: v for k, v in values.items() if v} for values in (*some, *some)
    ]

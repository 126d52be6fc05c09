"""What `compile` writes comes back through `import` with the same meaning."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.definitions import Definitions, definitions_of, read_definitions
from tocsin.importers import IMPORTERS, convert
from tocsin.importers.draft import Exactly, Listing, Mapping, Query
from tocsin.importers.model import heading
from tocsin.importers.write import write
from tocsin.plan import AlertingRule, RecordingRule
from tocsin.promql import label_value
from tocsin.promql_syntax import Fault, canonical, parse
from tocsin.targets.openslo import openslo
from tocsin.targets.prometheus import rule_file
from tocsin.workspace import Source

ROOT = Path(__file__).parents[2]
WORKSPACES = sorted([ROOT / "rules", *(ROOT / "tests" / "golden").glob("*/in.yaml")])
TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12) | st.text(
    alphabet="\"'\\\n\t{}$#:é\u2028 ab", max_size=12
)
GROUPS = st.sampled_from(["", "a.rules", "b rules"])
SEVERITIES = st.sampled_from(["critical", "warning", "info"])


def meaning(rule: AlertingRule | RecordingRule) -> object:
    """Everything of a rule that Prometheus evaluates or sends; which definition it comes from is another thing."""
    tree = parse(rule.expr)
    assert not isinstance(tree, Fault)
    labels = {name: value for name, value in rule.labels if name != "ref" and value}
    if isinstance(rule, RecordingRule):
        return rule.record, canonical(tree), labels
    annotations = {name: value for name, value in rule.annotations if name != "source" and value}
    return rule.alert, canonical(tree), labels, annotations, rule.for_, rule.keep_firing_for


def rules(definitions: Definitions) -> list[tuple[str, list[object]]]:
    """All groups with what their rules mean."""
    return [(group.name, [meaning(rule) for rule in group.rules]) for group in definitions.plan.groups]


@st.composite
def services(draw: st.DrawFn) -> str:
    """A service of recordings and alerts with labels and texts of any kind."""
    body = heading("Service", "shop")
    recordings, alerts = Listing(), Mapping()
    for number in range(draw(st.integers(0, 3))):
        entry = Mapping()
        entry.put("record", f"job:x{number}:sum")
        entry.put("expr", Query(f"sum(x{{a={label_value(draw(TEXTS))}}})"))
        entry.texts("labels", {"tenant": draw(TEXTS)})
        entry.put("group", draw(GROUPS))
        recordings.add(entry)
    for number in range(draw(st.integers(1, 3))):
        entry, raw = Mapping(), Mapping()
        entry.put("expr", Query(f"up{{a={label_value(draw(TEXTS))}}} == 0"))
        entry.put("for", Exactly(draw(st.sampled_from(["0s", "90s", "1h30m"]))))
        entry.put("severity", draw(SEVERITIES))
        entry.put("group", draw(GROUPS))
        raw.texts("labels", {"team": draw(TEXTS)})
        raw.texts("annotations", {"message": draw(TEXTS), "summary": draw(TEXTS.filter(bool))})
        entry.put("prometheus", raw)
        alerts.put(f"A{number}", entry)
    body.put("recordings", recordings)
    body.put("alerts", alerts)
    return write(body)


@given(services())
@settings(deadline=None)
def test_rules_come_back(text: str) -> None:
    """Quotes, backslashes, line breaks and Unicode in labels, annotations and expressions; groups and their order."""
    before = definitions_of([Source("shop.yaml", text)])
    assert before.errors == ()
    result = convert(IMPORTERS["prometheus"], [("shop.yml", rule_file(before.plan.groups))])
    after = definitions_of([Source(name, text) for name, text in result.files.items()])

    assert result.findings == ()
    assert after.errors == ()
    assert [group for _, group in rules(after)] == [group for _, group in rules(before)]


@pytest.mark.parametrize("path", WORKSPACES, ids=lambda path: path.parent.name)
def test_objectives_come_back_from_openslo(path: Path) -> None:
    """Every rule of every objective is the same: import(export(x)) = x for what OpenSLO and its annotations can say."""
    before = read_definitions([str(path)])
    exported = openslo(before.plan, before.workspace)
    result = convert(IMPORTERS["openslo"], [(artifact.path, artifact.text) for artifact in exported])
    after = definitions_of([Source(name, text) for name, text in result.files.items()])

    assert result.complete
    assert after.errors == ()
    assert [each for each in rules(after) if each[0].startswith("slo:")] == [
        each for each in rules(before) if each[0].startswith("slo:")
    ]

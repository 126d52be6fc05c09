"""The demonstration's copy of the definitions differs in nothing but the values that it says it replaced."""

from pathlib import Path

import pytest

from tocsin.demo.rewrite import REF, Edit, edits, rewritten
from tocsin.diagnostics import Severity
from tocsin.document import read_documents
from tocsin.plan import plan
from tocsin.targets.prometheus import configuration
from tocsin.workspace import Source, Workspace, read_workspace

RULES = sorted(Path(__file__).parents[2].joinpath("rules").glob("*.yaml"))
ADDRESSES = {
    "be-camera": ["127.0.0.1:4001", "127.0.0.1:4002"],
    "be-auth": ["127.0.0.1:4003"],
    "mysql": ["127.0.0.1:4004"],
    "redis": ["127.0.0.1:4005"],
}


def changed(path: str, text: str) -> tuple[str, tuple[Edit, ...]]:
    """The rewritten text with its edits."""
    documents, _ = read_documents(path, text)
    some = edits(documents, ADDRESSES)
    return rewritten(text, some), some


def workspace(*texts: tuple[str, str]) -> Workspace:
    """Everything in *texts*, which must be without errors."""
    read, findings = read_workspace(Source(path, text) for path, text in texts)
    assert [f for f in findings if f.severity is Severity.ERROR] == []
    return read


def test_the_copy_of_our_own_definitions_has_no_findings_and_watches_quickly() -> None:
    """Rewritten rules are scraped on loopback, and the objective of the story resets within a minute."""
    copies = workspace(*((path.name, changed(path.name, path.read_text())[0]) for path in RULES))
    (slo,) = [slo for service in copies.services for slo in service.slos if slo.ref == REF]
    config = configuration(copies)

    assert {"1m"} == {str(tier.short) for tier in slo.tiers}
    assert [str(tier.long) for tier in slo.tiers] == ["1h", "6h", "1d", "3d"]
    assert all(address in config for job in ADDRESSES.values() for address in job)
    assert ":8080" not in config
    assert plan(copies)[1] == ()


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_only_the_said_places_differ(path: Path) -> None:
    """Undoing the edits, one for one, gives the original back to the byte."""
    text = path.read_text()
    copy, some = changed(path.name, text)
    undone = copy
    for edit in sorted(some, key=lambda edit: edit.span):  # what stands before an edit is as it was
        start = len("".join(text.splitlines(keepends=True)[: edit.span.line - 1])) + edit.span.column - 1
        assert undone.startswith(edit.new, start)
        undone = undone[:start] + edit.old + undone[start + len(edit.new) :]

    assert len(text) + sum(len(edit.new) - len(edit.old) for edit in some) == len(copy)
    assert undone == text


BLOCK = """\
kind: Service
name: be-camera
slos:
  uptime:
    # what it counts
    sli: availability
"""
FLOW = """\
kind: Service
name: be-camera
slos: {uptime: {sli: availability, target: 99.9%}}
"""
SET = """\
kind: Service
name: be-camera
slos: {uptime: {sli: a, burn_rate: {policy: workbook, off: [trickle]}}}
"""


@pytest.mark.parametrize(
    ("before", "line"),
    [
        (BLOCK, "    burn_rate: {policy: quick-reset}"),
        (FLOW, "slos: {uptime: {burn_rate: {policy: quick-reset}, sli: availability, target: 99.9%}}"),
        (SET, "slos: {uptime: {sli: a, burn_rate: {policy: quick-reset}}}"),
    ],
    ids=["block", "flow", "replaced"],
)
def test_a_key_is_added_in_the_style_of_its_neighbours(before: str, line: str) -> None:
    """The policy is put in front of the SLI in block and in flow style, and replaced where it stands already."""
    copy, some = changed("be-camera.yaml", before)

    assert line in copy.splitlines()
    assert len(some) == 1
    (document,), findings = read_documents("be-camera.yaml", copy)
    assert findings == ()
    assert document.value["slos"]["uptime"]["burn_rate"] == {"policy": "quick-reset"}  # type: ignore[index,call-overload]


def test_definitions_of_others_are_left_alone() -> None:
    """What the simulated platform does not know is copied as it is."""
    text = "kind: Service\nname: shop\nscrape: {targets: ['shop:80']}\n---\n- no mapping\n"

    assert (text, ()) == changed("shop.yaml", text)

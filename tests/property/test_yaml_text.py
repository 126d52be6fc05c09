"""Generated YAML says what was meant, whatever the text."""

import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests import builders

from tocsin.plan import plan
from tocsin.targets.prometheus import rule_file
from tocsin.targets.yaml_text import block, scalar

TEXTS = st.text(max_size=40) | st.text(alphabet=":#'\"\\-{}[]!&*%@`,? \n\tyYnN0.~é\u2028\x85", max_size=12)


def read_back(text: str) -> str:
    """What a reader must get; halves of surrogate pairs are no text."""
    return "".join("\ufffd" if 0xD800 <= ord(c) <= 0xDFFF else c for c in text)


@given(TEXTS)
def test_scalars_are_read_back(text: str) -> None:
    """As a key and as a value, in any mapping."""
    written = f"a:\n  {scalar(text)}: {scalar(text)}\n"

    assert yaml.load(written, yaml.CSafeLoader) == {"a": {read_back(text): read_back(text)}}


@given(TEXTS)
def test_blocks_are_read_back(text: str) -> None:
    """Several lines, with whatever indentation and end."""
    written = f"a:\n  b: {block(text, 4)}\n  c: d\n"

    assert yaml.load(written, yaml.CSafeLoader) == {"a": {"b": read_back(text), "c": "d"}}


NASTY = (
    "on",
    "null",
    "1e3",
    "0x1f",
    "~",
    "it's",
    'a "b"',
    "a: b",
    "# a",
    "- a",
    "\t",
    "\x7f\x85\u2028\U0001f514",
    "é",
    "%a",
    "@a",
)


@pytest.mark.real
def test_prometheus_reads_the_same(tmp_path: Path) -> None:
    """Prometheus has another YAML parser; every nasty text arrives as a string, or it would refuse the file."""
    labels = tuple((f"l{number}", text) for number, text in enumerate(NASTY))
    service = builders.service(alerts=(builders.alert(expr='up{a=~"x|y\\\\.z"} == 0\n\nor up == 2', labels=labels),))
    planned, _ = plan(builders.workspace(service))
    file = tmp_path / "rules.yml"
    file.write_text(rule_file(planned.groups), encoding="utf-8")
    check = subprocess.run(["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False)

    assert (check.returncode, check.stderr) == (0, "")

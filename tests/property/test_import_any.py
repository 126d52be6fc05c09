"""Importers take any file: whatever stands in it, they end with definitions that can be read, or say what is wrong."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.document import read_documents
from tocsin.importers import IMPORTERS, convert

CASES = Path(__file__).parents[1] / "imports"
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, "", "x", "{{", "on", 5, -1, 1.5, True, [], {}, ["a"], {"a": "b"}, [None], {"a": [{}]}, "*", "9" * 40]
)
WORKED = {"prometheus": "operator.yml", "sloth": "sloth.yml", "pyrra": "pyrra.yml", "openslo": "openslo.yml"}


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something can be put in the place of something else."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(inner for step, part in steps for inner in paths(part, (*path, step)))]


def with_other(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    """The same with *other* at *path*."""
    if not path:
        return other
    copied = list(value) if isinstance(value, list) else dict(value)
    copied[path[0]] = with_other(value[path[0]], path[1:], other)
    return copied


@pytest.mark.parametrize("format_", sorted(IMPORTERS))
@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_any_value_in_any_place(format_: str, data: st.DataObject) -> None:
    """No exception, and what is written is YAML without a mistake."""
    name = "traps.yml" if format_ == "prometheus" and data.draw(st.booleans()) else WORKED[format_]
    folder = CASES if (CASES / name).exists() else CASES.parent / "corpora"
    documents = list(yaml.safe_load_all((folder / name).read_text(encoding="utf-8")))
    for _ in range(data.draw(st.integers(1, 3))):
        index = data.draw(st.integers(0, len(documents) - 1))
        path = data.draw(st.sampled_from(paths(documents[index])))
        documents[index] = with_other(documents[index], path, data.draw(ODD))
    result = convert(IMPORTERS[format_], [("a.yml", yaml.safe_dump_all(documents))])

    for text in result.files.values():
        _, findings = read_documents("a.yaml", text)
        assert findings == ()


@pytest.mark.parametrize("format_", sorted(IMPORTERS))
@given(text=st.text(max_size=60) | st.text(alphabet="groups:- alert{}[]&*<\n #|>'\"", max_size=60))
@settings(max_examples=50, deadline=None)
def test_any_text(format_: str, text: str) -> None:
    """No exception."""
    convert(IMPORTERS[format_], [("a.yml", text)])

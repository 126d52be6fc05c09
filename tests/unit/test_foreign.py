"""YAML of other programs is read as Go's yaml.v3 reads it into typed fields."""

import time
from itertools import pairwise

import pytest

from tocsin.document import Json, read_foreign


def value(text: str) -> Json:
    """The value of a text without mistakes."""
    (document,), findings = read_foreign("a.yml", text)
    assert findings == ()
    return document.value


@pytest.mark.parametrize(
    "text", ["on", "yes", "010", "0x1F", "1_000", "1.0", "1e3", ".inf", "12:30", "2001-01-01", "true"]
)
def test_plain_scalars_are_their_text(text: str) -> None:
    """A label `010` is 010 for Prometheus, not eight and not ten."""
    assert value(f"a: {text}") == {"a": text}


@pytest.mark.parametrize("text", ["~", "null", "Null", ""])
def test_null_is_nothing(text: str) -> None:
    """Go leaves the field as it is."""
    assert value(f"a: {text}") == {"a": None}


def test_any_scalar_is_a_key() -> None:
    """Labels may be called `on` or `5`."""
    assert value("on: 1\n5: 2\n'null': 3") == {"on": "1", "5": "2", "null": "3"}


def test_aliases_and_merge_keys_mean_what_yaml_says() -> None:
    """The mapping's own keys win, and of several merged ones the first."""
    text = "a: &a {x: 1, l: &l [p]}\nb: {<<: *a, x: 2}\nc: {<<: [{y: 3}, *a, {y: 4}]}\nd: *l\n"

    assert value(text) == {
        "a": {"x": "1", "l": ["p"]},
        "b": {"x": "2", "l": ["p"]},
        "c": {"y": "3", "x": "1", "l": ["p"]},
        "d": ["p"],
    }


def test_what_is_merged_has_its_place() -> None:
    """A finding about a merged value points at where it is written."""
    (document,), _ = read_foreign("a.yml", "a: &a {x: 1}\nb:\n  <<: *a\n")

    assert str(document.span(("b", "x"))) == "a.yml:1:11"


def test_tags_of_yaml_itself_are_read() -> None:
    """`!!str 5` is a text like any other."""
    assert value("a: !!str 5\nb: ! x") == {"a": "5", "b": "x"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: 1\na: 2", "yaml/duplicate-key"),
        ("a: *b", "yaml/alias"),
        ("a: &a [*a]", "yaml/alias"),
        ("a: !vault 1", "yaml/tag"),
        ("a: {<<: 1}", "yaml/merge-key"),
        ("a: [", "yaml/syntax"),
    ],
)
def test_what_go_refuses_is_refused(text: str, code: str) -> None:
    """With the reader's own codes and places."""
    _, findings = read_foreign("a.yml", text)

    assert [finding.code for finding in findings][:1] == [code]


def test_aliases_of_aliases_end() -> None:
    """Nine to the power of nine values are refused in seconds, not built."""
    names = "abcdefghij"
    text = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in pairwise(names)
    )
    begun = time.monotonic()
    _, findings = read_foreign("a.yml", text)

    assert [finding.code for finding in findings] == ["yaml/limit"]
    assert time.monotonic() - begun < 20

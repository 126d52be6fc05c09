"""The schemas are whole: every property explains itself, examples are valid, shared parts are the same everywhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import tocsin_schemas
from tocsin.schema.quick import quick

KINDS = tuple(tocsin_schemas.KINDS)
FOLDER = Path(tocsin_schemas.__file__).parent
_CHOICES = {"oneOf", "anyOf", "allOf", "not", "if"}


def properties(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property anywhere in *schema*, with a path to find it by."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            for name, value in schema["properties"].items():
                yield f"{path}.{name}", value
        for key, value in schema.items():
            if key not in {"examples", "default"}:
                yield from properties(value, f"{path}.{key}")
    elif isinstance(schema, list):
        for value in schema:
            yield from properties(value, path)


def objects(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of an object."""
    if isinstance(schema, dict):
        kinds = schema.get("type", [])
        if "object" in ([kinds] if isinstance(kinds, str) else kinds):
            yield path, schema
        for key, value in schema.items():
            if key not in {"examples", "default"}:
                yield from objects(value, f"{path}.{key}")


def test_folder_and_registry_agree() -> None:
    """A schema that is not listed would never be used."""
    assert sorted(tocsin_schemas.KINDS.values()) == sorted(path.name for path in FOLDER.glob("*.schema.json"))


@pytest.mark.parametrize("kind", KINDS)
class TestEverySchema:
    """What holds for each kind."""

    def test_is_draft_2020_12(self, kind: str) -> None:
        """It says so, and it is."""
        schema = tocsin_schemas.schema_for(kind)

        Draft202012Validator.check_schema(schema)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"

    def test_explains_every_property(self, kind: str) -> None:
        """Editors show title, description and examples; so does the reference."""
        silent = [
            (path, missing)
            for path, schema in properties(tocsin_schemas.schema_for(kind))
            for missing in ("title", "description", "examples")
            if not schema.get(missing)
        ]

        assert silent == []

    def test_examples_and_defaults_are_valid(self, kind: str) -> None:
        """What is shown can be copied."""
        root = tocsin_schemas.schema_for(kind)
        wrong = [
            (path, example, error.message)
            for path, schema in properties(root)
            for example in [*schema["examples"], *([schema["default"]] if "default" in schema else [])]
            for error in Draft202012Validator({**schema, "$defs": root.get("$defs", {})}).iter_errors(example)
        ]

        assert wrong == []

    def test_refuses_unknown_keys(self, kind: str) -> None:
        """A misspelt key is a mistake everywhere: each object is closed, or a map of named values."""
        loose = [
            path for path, schema in objects(tocsin_schemas.schema_for(kind))
            if "additionalProperties" not in schema or ("properties" in schema and schema["additionalProperties"])
        ]  # fmt: skip

        assert loose == []

    def test_has_no_choices_that_give_muddled_errors(self, kind: str) -> None:
        """A failed `oneOf` can only say that nothing fits."""

        def keywords(schema: Any) -> Iterator[str]:
            if isinstance(schema, dict):
                yield from schema.keys() - set(schema.get("properties", {}))
                for value in schema.values():
                    yield from keywords(value)

        assert set() == _CHOICES & set(keywords(tocsin_schemas.schema_for(kind)))

    def test_says_what_is_expected_beside_every_pattern(self, kind: str) -> None:
        """Nobody should have to read a regular expression in a finding."""

        def patterns(schema: Any) -> Iterator[dict[str, Any]]:
            if isinstance(schema, dict):
                if isinstance(schema.get("pattern"), str):
                    yield schema
                for value in schema.values():
                    yield from patterns(value)

        assert [schema for schema in patterns(tocsin_schemas.schema_for(kind)) if "x-expected" not in schema] == []

    def test_is_understood_by_the_quick_validator(self, kind: str) -> None:
        """A keyword that it does not know would send every document the slow way."""
        root = tocsin_schemas.schema_for(kind)
        bodies: dict[str, dict[str, Any]] = {
            "Service": {},
            "Journey": {"slos": {"x": {"target": "99%", "combine": {"series": ["a/b"]}}}},
            "SLA": {"customer": "c", "covers": "a/b", "target": "99%"},
            "Notifications": {},
            "Platform": {},
            "Dashboard": {"panels": [{"title": "t", "expr": "up"}]},
            "SLITemplate": {"sli": {"ratio": {"bad": "b", "total": "t"}}},
        }

        assert quick(root)({"apiVersion": "tocsin/v1", "kind": kind, "name": "a"} | bodies[kind])


def test_shared_parts_are_the_same_in_every_schema() -> None:
    """A duration is a duration in every kind."""
    seen: dict[str, set[str]] = {}
    for kind in KINDS:
        for name, part in tocsin_schemas.schema_for(kind)["$defs"].items():
            seen.setdefault(name, set()).add(repr(part))

    assert [name for name, versions in seen.items() if len(versions) > 1] == []


def test_a_kind_that_does_not_exist_has_no_schema() -> None:
    """It is a mistake of the program."""
    with pytest.raises(KeyError):
        tocsin_schemas.schema_for("Servce")

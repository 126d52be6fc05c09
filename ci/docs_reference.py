#!/usr/bin/env python3
"""Write docs/reference/ from schemas and checks; with --check write nothing and exit with 1 where a page is stale."""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

import tocsin_schemas
from tocsin.codes import MANUALS

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "reference"
_TYPES = {"string": "text", "number": "number", "integer": "whole number", "boolean": "true or false", "object": "map"}
_LONGEST_EXAMPLE = 60

Schema = Mapping[str, Any]


def main() -> int:
    """Write or check the pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a page is stale")
    check = parser.parse_args().check
    stale = [path for path, text in pages() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path, text in pages():
        if path in stale and not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        if path in stale:
            print(f"{path.relative_to(ROOT)}: {'stale; run make docs' if check else 'written'}")
    for path in stray():
        print(f"{path.relative_to(ROOT)}: {'no code has this page; run make docs' if check else 'removed'}")
        if not check:
            path.unlink()
        stale.append(path)
    return 1 if check and stale else 0


def pages() -> Iterator[tuple[Path, str]]:
    """Every page of the reference with its text."""
    yield OUT / "kinds.md", index()
    for kind in tocsin_schemas.KINDS:
        yield OUT / f"{kind.lower()}.md", page(kind)
    yield OUT / "checks.md", checks()
    for code, manual in MANUALS.items():
        yield OUT / "checks" / f"{code.replace('/', '-')}.md", _made(f"# {code}\n\n{manual}", "its manual page")


def stray() -> list[Path]:
    """Pages of codes that are gone."""
    wanted = {path for path, _ in pages()}
    return sorted(path for path in (OUT / "checks").glob("*.md") if path not in wanted)


def checks() -> str:
    """The page that leads to those of the codes, by family."""
    lines = [
        "# Checks",
        "",
        "What `tocsin check` can say, by the code that stands behind each message; `tocsin rule CODE` prints a page.",
        "Errors make the exit code 1, warnings and notes do not. How to hide, grade and fix findings stands in",
        "[checking definitions](../checking.md).",
    ]
    family = ""
    for code, manual in MANUALS.items():
        if (here := code.partition("/")[0]) != family:
            family = here
            lines += ["", f"## {family}", "", "| code | what it asks for |", "|---|---|"]
        lines.append(f"| [{code}](checks/{code.replace('/', '-')}.md) | {_cell(manual.splitlines()[0])} |")
    return _made("\n".join(lines), "docstrings in engine/tocsin/checks/ and texts in engine/tocsin/codes/")


def index() -> str:
    """The page that leads to the others, and the values that all kinds share."""
    kinds = [(k, tocsin_schemas.schema_for(k)) for k in tocsin_schemas.KINDS]
    lines = [
        "# Kinds of documents",
        "",
        "Every document says `apiVersion: tocsin/v1`, its `kind` and its `name`.",
        "Several documents share a file with `---` between them, and all files of a folder are one workspace.",
        "Editors complete and check the keys with the JSON Schemas in `schemas/tocsin_schemas/`;",
        "`tocsin schema KIND` prints one.",
        "",
        "| kind | what it defines | schema |",
        "|---|---|---|",
        *(
            f"| [{kind}]({kind.lower()}.md) | {_cell(schema['description'])} "
            f"| [{tocsin_schemas.KINDS[kind]}](../../schemas/tocsin_schemas/{tocsin_schemas.KINDS[kind]}) |"
            for kind, schema in kinds
        ),
        "",
        "## Values",
        "",
        "| value | how it is written | example |",
        "|---|---|---|",
    ]
    values = {name: part for _, schema in kinds for name, part in schema["$defs"].items() if "properties" not in part}
    lines += [
        f"| {part['title']} | {_cell(part['description'])} | {_examples(part)} |"
        for _, part in sorted(values.items(), key=lambda item: str(item[1]["title"]).lower())
        if "additionalProperties" not in part and "items" not in part
    ]
    return _generated("\n".join(lines))


def page(kind: str) -> str:
    """The page of *kind*."""
    schema = tocsin_schemas.schema_for(kind)
    return _generated(Page(schema).text())


@dataclass
class Page:
    """One schema as sections, each a table of keys; a part that is used twice is described once."""

    schema: Schema
    anchors: dict[str, str] = field(default_factory=dict)
    waiting: list[tuple[str, str, Schema]] = field(default_factory=list)

    def text(self) -> str:
        """All sections, in the order in which they are met."""
        lines = [f"# {self.schema['title']}", "", str(self.schema["description"]), "", *self._table("", self.schema)]
        while self.waiting:
            title, path, part = self.waiting.pop(0)
            lines += ["", f"## {title}", "", f"At `{path}`. {part['description']}", ""]
            example = next(iter(part.get("examples", [])), None)
            if isinstance(example, dict | list):
                text = yaml.safe_dump(example, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)
                lines += ["```yaml", text.strip(), "```", ""]
            lines += self._table(path, part)
        return "\n".join(lines)

    def _table(self, path: str, part: Schema) -> Iterator[str]:
        yield "| key | type | required | default | description | example |"
        yield "|---|---|---|---|---|---|"
        required = part.get("required", [])
        for key, prop in part["properties"].items():
            here = f"{path}.{key}" if path else key
            default = f"`{_flow(prop['default'])}`" if "default" in prop else ""
            yield (
                f"| `{key}` | {self._type(prop, here)} | {'yes' if key in required else ''} | {_cell(default)} "
                f"| {_cell(prop['description'])} | {_examples(prop)} |"
            )

    def _type(self, prop: Schema, path: str) -> str:
        """What may stand there, as words; parts with keys of their own link to their section."""
        reference = prop.get("$ref")
        part = self._resolved(prop)
        if "const" in part:
            return f"`{part['const']}`"
        if "enum" in part:
            return " or ".join(f"`{value}`" for value in part["enum"])
        if "items" in part:
            return f"list of {self._type(part['items'], f'{path}[]')}"
        if "properties" in part:
            return self._link(str(reference or path), path, {**part, **self._words(prop, part)})
        values = part.get("additionalProperties")
        if isinstance(values, Mapping):
            return f"map of name to {self._type(values, f'{path}.NAME')}"
        if reference:
            title = part["title"] if part["title"] in {"PromQL", "URL"} else part["title"].lower()
            return f"[{title}](kinds.md#values)"
        types = part.get("type", [])
        return " or ".join(_TYPES[name] for name in ([types] if isinstance(types, str) else types))

    def _link(self, identity: str, path: str, part: Schema) -> str:
        if identity not in self.anchors:
            self.anchors[identity] = self._free(str(part["title"]))
            self.waiting.append((self.anchors[identity], path, part))
        title = self.anchors[identity]
        return f"[{title}](#{re.sub('[^a-z0-9-]', '', title.lower().replace(' ', '-'))})"

    def _free(self, title: str) -> str:
        """A heading that is not taken: two anchors of one name would lead to the first."""
        taken = sum(name.partition(" (")[0].lower() == title.lower() for name in self.anchors.values())
        return f"{title} ({taken + 1})" if taken else title

    @staticmethod
    def _words(prop: Schema, part: Schema) -> Schema:
        """A shared part keeps its own words; an inline one has those of its key."""
        source = part if "$ref" in prop else prop
        return {key: source[key] for key in ("title", "description", "examples") if key in source}

    def _resolved(self, prop: Schema) -> Schema:
        name = str(prop.get("$ref", "")).rpartition("/")[2]
        return {**self.schema["$defs"][name]} if name else prop


def _examples(part: Schema) -> str:
    example = next(iter(part.get("examples", [])), None)
    text = _flow(example)
    return f"`{_cell(text)}`" if example is not None and len(text) <= _LONGEST_EXAMPLE else ""


def _flow(value: Any) -> str:
    """A value on one line of YAML."""
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000, sort_keys=False).strip()
    return text.removesuffix("...").strip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _generated(text: str) -> str:
    return f"<!-- Made by ci/docs_reference.py from schemas/tocsin_schemas/; edit the schemas. -->\n\n{text}\n"


def _made(text: str, source: str) -> str:
    return f"<!-- Made by ci/docs_reference.py; edit {source}. -->\n\n{text}\n"


if __name__ == "__main__":
    sys.exit(main())

"""Compare our PromQL parser with promtool over real rules, and time it.

    python ci/promql_corpora.py FOLDER [--promtool BINARY] [--mutants N]

FOLDER holds YAML files with rules (or anything that has `expr:` in it). Exit status 1: the two disagree about a text.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import yaml

from tocsin.adapters.promtool import find_promtool
from tocsin.promql_syntax import Fault, Version, canonical, parse, read
from tocsin.targets.yaml_text import scalar

BATCH = 2_000
"""Expressions in one rule file."""
_SLIPS = [*'(){}[]",=-1x', "by", "on", "5m", "==", "and", "offset", "=~", "bool", "@ 5", "\\", "`"]


def expressions(folder: Path) -> list[str]:
    """Every text under a key `expr` or `query` of the YAML files in *folder*, each once."""
    found: dict[str, None] = {}
    for path in sorted((*folder.rglob("*.yaml"), *folder.rglob("*.yml"))):
        try:
            documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            print(f"{path}: not read: {str(error).splitlines()[0]}")
            continue
        for document in documents:
            found.update(dict.fromkeys(_texts(document)))
    return list(found)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in {"expr", "query"} and isinstance(inner, str | int | float):
                yield str(inner)
            else:
                yield from _texts(inner)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def refused(texts: Sequence[str], promtool: str | None = None) -> dict[str, str]:
    """What promtool says against those of *texts* that it refuses."""
    tool = find_promtool(promtool)
    said: dict[str, str] = {}
    for start in range(0, len(texts), BATCH):
        batch = texts[start : start + BATCH]
        rules = "".join(f"  - {{record: x, labels: {{n: '{n}'}}, expr: {scalar(t)}}}\n" for n, t in enumerate(batch))
        for complaint in tool.check_rules({"rules.yml": f"groups:\n- name: g\n  rules:\n{rules}"}):
            if complaint.number:
                said[batch[complaint.number - 1]] = complaint.said
            else:
                print(f"promtool: {complaint.said}")
    return said


def mutants(texts: Sequence[str], number: int) -> list[str]:
    """Texts with one slip each: something left out, written twice, or put in. The same for the same *texts*."""
    chance = random.Random(len(texts))
    found: dict[str, None] = {}
    for _ in range(number if texts else 0):
        text = chance.choice(texts)
        start = chance.randrange(len(text) or 1)
        end = start + chance.randrange(1, 6)
        slip = chance.choice(["", text[start:end] * 2, chance.choice(_SLIPS) + text[start:end]])
        found[text[:start] + slip + text[end:]] = None
    return [text for text in found if text.strip() and "\r" not in text]


def disagreements(texts: Iterable[str], said: dict[str, str], version: Version) -> Iterator[str]:
    """Texts that only one of the two refuses; what a newer Prometheus understands is no disagreement."""
    for text in texts:
        reading = read(text)
        newer = any(
            each.since > version or (each.flag and (each.stable is None or each.stable > version))
            for each in reading.features
        )
        if isinstance(reading.tree, Fault) and text not in said:
            yield f"only we refuse: {text!r}: {reading.tree.message}"
        elif not isinstance(reading.tree, Fault) and text in said and not newer:
            yield f"only promtool refuses: {text!r}: {said[text]}"


def main() -> int:
    """Compare, and time."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("folder", type=Path)
    options.add_argument("--promtool")
    options.add_argument("--mutants", type=int, default=3000, metavar="N", help="texts with a slip to judge as well")
    arguments = options.parse_args()
    real = expressions(arguments.folder)
    texts = [*real, *mutants(real, arguments.mutants)]
    tool = find_promtool(arguments.promtool)
    said = refused(texts, arguments.promtool)
    different = list(disagreements(texts, said, Version(*tool.version)))
    for each in different:
        print(each)
    unstable = 0
    for text in texts:
        tree = parse(text)
        if not isinstance(tree, Fault):
            once = canonical(tree)
            again = parse(once)
            if isinstance(again, Fault) or canonical(again) != once:
                unstable += 1
                print(f"not stable: {text!r} gives {once!r}")
    read.cache_clear()
    started = time.perf_counter()
    for text in real:
        parse(text)
    took = time.perf_counter() - started
    mean = sum(map(len, real)) / max(len(real), 1)
    print(
        f"{len(real)} expressions of {mean:.0f} characters in the mean and {len(texts) - len(real)} with a slip; "
        f"{len(said)} refused by promtool, "
        f"{len(different)} verdicts differ, {unstable} not stable; parsed in {took:.2f} s, "
        f"{took / max(len(real), 1) * 10_000:.2f} s per 10,000"
    )
    return 1 if different or unstable else 0


if __name__ == "__main__":
    sys.exit(main())

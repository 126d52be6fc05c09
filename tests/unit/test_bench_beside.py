"""The rules that bench.rounds loads many times are those of as many objectives."""

import re

from bench.evaluation_cost import DISTINCT
from bench.rounds import copies, own_rules, rule_count, without_keeping


def test_copies_are_what_is_compiled() -> None:
    """But for what they read: the history of the objective that they are a copy of; and for lines of definitions."""
    _, second = copies(own_rules(), 2 * DISTINCT)
    compiled = own_rules(2 * DISTINCT)
    first, behind = (compiled.index(f"  - name: slo:service-0/slo-{name}\n") for name in (DISTINCT, 2))  # in alphabet
    wanted = compiled[first:behind]
    wanted = re.sub(r'((?:slo|slo_ref)="(?:service-0/)?slo-)1(\d")', r"\1\2", wanted)

    assert _bare(second[second.index("  - name:") :]) == _bare(wanted)


def test_each_copy_has_names_of_its_own() -> None:
    """Groups and what they record are found once in all files."""
    names = re.findall(r"- name: (\S+)", "".join(copies(own_rules(), 3 * DISTINCT)))

    assert len(names) == len(set(names)) == 3 * 2 * DISTINCT


def test_old_vmalert() -> None:
    """All rules stay where a field is left out."""
    assert "keep_firing_for" not in without_keeping(own_rules())
    assert rule_count(without_keeping(own_rules())) == rule_count(own_rules())


def _bare(rules: str) -> str:
    """Without where rules come from, and what an alert says about its name in the middle of a line."""
    return re.sub(r"service\.yaml:\d+|summary: .*", "", rules)

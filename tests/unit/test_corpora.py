"""Real rule files go through import, check and compile and mean what they meant."""

from pathlib import Path

import pytest
from ci import corpora

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "corpora"


@pytest.mark.real
def test_traps_go_through() -> None:
    """Our own rule files, with everything that trips importers; one is wrong, and promtool says so too."""
    outcome, _ = corpora.run(ROOT / "tests" / "corpora")

    assert (outcome.files, outcome.rules["alert"], outcome.rules["record"], outcome.compiled) == (4, 6, 1, 7)
    assert outcome.differences == []
    assert outcome.disagreements == []
    assert outcome.losses["lost"] == 0


@pytest.mark.real
@pytest.mark.timeout(600)
def test_public_rules_go_through() -> None:
    """About two thousand rules that people run.

    They are other people's data beside the project, not part of it, so a clone elsewhere has to do without them; the
    traps above are always there.
    """
    if not SHARED.is_dir():
        pytest.skip("there is no ../shared/corpora with public rule files")
    outcome, _ = corpora.run(SHARED)

    assert outcome.compiled == outcome.rules.total() > 2000
    assert outcome.differences == []
    assert outcome.disagreements == []
    assert outcome.losses["lost"] == 0

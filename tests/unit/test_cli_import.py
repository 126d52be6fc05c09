"""`tocsin import`: what is written, what is told, and exit codes."""

import json
from pathlib import Path

import pytest

from tocsin.cli.main import run

RULES = "groups:\n- name: g\n  rules:\n  - {alert: A, expr: up == 0, labels: {severity: info}}\n"


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A rule file in an empty working directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "shop.yml"
    path.write_text(RULES, encoding="utf-8")
    return path


def test_without_a_folder_it_is_printed(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Definitions on stdout, the report on stderr."""
    assert run(["import", "prometheus", "shop.yml"]) == 0
    printed = capsys.readouterr()

    assert printed.out.startswith("apiVersion: tocsin/v1\nkind: Service\nname: shop\n")
    assert printed.err.splitlines()[-1] == "1 file: nothing is lost, 2 added"


def test_files_and_reports_are_written(rules: Path) -> None:
    """One file for each service; a second run changes nothing."""
    for _ in range(2):
        assert run(["import", "prometheus", "shop.yml", "-o", "out", "--report", "r/losses.json"]) == 0

    assert [path.name for path in Path("out").iterdir()] == ["shop.yaml"]
    report = json.loads(Path("r/losses.json").read_text(encoding="utf-8"))
    assert (report["complete"], report["files"], report["findings"]) == (True, ["shop.yaml"], [])
    assert report["losses"][0].keys() == {"fate", "path", "line", "column", "what", "why"}


def test_what_people_edited_is_not_replaced(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Unless they say so."""
    assert run(["import", "prometheus", "shop.yml", "-o", "out"]) == 0
    target = Path("out/shop.yaml")
    target.write_text("# mine\n", encoding="utf-8")

    assert run(["import", "prometheus", "shop.yml", "-o", "out"]) == 2
    assert target.read_text(encoding="utf-8") == "# mine\n"
    assert "is there already" in capsys.readouterr().err
    assert run(["import", "prometheus", "shop.yml", "-o", "out", "--force"]) == 0
    assert target.read_text(encoding="utf-8").startswith("apiVersion")


def test_losses_make_exit_code_one(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And the rest is imported."""
    rules.write_text(RULES + "  query_offset: 1m\n", encoding="utf-8")

    assert run(["import", "prometheus", "shop.yml"]) == 1
    printed = capsys.readouterr()
    assert "shop.yml:5:3: lost: query_offset: 1m (" in printed.err
    assert "  A:\n" in printed.out


def test_mistakes_are_shown_with_their_line(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As `tocsin check` shows them."""
    rules.write_text(RULES.replace("up == 0", "up =="), encoding="utf-8")

    assert run(["import", "prometheus", "shop.yml"]) == 1
    assert "shop.yml:4:25: error: " in capsys.readouterr().err


def test_the_service_can_be_named(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a name of the language only."""
    assert run(["import", "prometheus", "shop.yml", "--service", "web"]) == 0
    assert "name: web\n" in capsys.readouterr().out
    assert run(["import", "prometheus", "shop.yml", "--service", "Web Shop"]) == 2
    assert "write --service web-shop" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["nagios", "shop.yml"], ["prometheus"], ["prometheus", "missing.yml"]])
def test_misuse(rules: Path, arguments: list[str]) -> None:
    """Unknown formats and missing files."""
    assert run(["import", *arguments]) == 2


def test_the_command_offers_every_importer() -> None:
    """One that is written but not offered would never run."""
    from tocsin.cli.import_ import FORMATS
    from tocsin.importers import IMPORTERS

    assert set(FORMATS) == set(IMPORTERS)


def test_what_compile_wrote_is_read_by_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other commands pass over generated files; an import reads what it is pointed at, and compiles to the same."""
    monkeypatch.chdir(tmp_path)
    source = Path(__file__).parents[1] / "golden" / "slo-labels" / "in.yaml"
    assert run(["compile", str(source), "-o", "out", "-t", "openslo", "-t", "prometheus"]) == 0
    assert run(["import", "openslo", "out/openslo", "-o", "back"]) == 0
    assert run(["compile", "back", "-o", "again", "-t", "openslo", "-t", "prometheus"]) == 0

    for path in sorted(Path("out").rglob("*.yml")):
        once, again = (_without_places(Path(folder, *path.parts[1:])) for folder in ("out", "again"))
        assert once == again


def _without_places(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.lstrip().startswith(("#", "source:"))]

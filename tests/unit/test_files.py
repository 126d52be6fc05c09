"""Reading definitions and writing generated files, on a real file system."""

import os
from pathlib import Path

import pytest

from tocsin.adapters.files import check_artifacts, discover, read_sources, write_artifacts
from tocsin.errors import MisuseError, UnavailableError
from tocsin.targets.artifact import HEADER, Artifact

ROOT = os.geteuid() == 0 if hasattr(os, "geteuid") else False


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of definitions that is the working directory."""
    monkeypatch.chdir(tmp_path)
    for name in ("rules/b.yaml", "rules/a/z.yml", "rules/a/notes.txt", "rules/.git/x.yaml", "rules/.hidden.yaml"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("kind: Service\n", encoding="utf-8")
    return tmp_path


def test_finds_yaml_below_folders_in_fixed_order(tree: Path) -> None:
    """Hidden files and other suffixes are passed over; paths stay as typed."""
    assert discover(["./rules"]) == ("rules/a/z.yml", "rules/b.yaml")


def test_each_file_once(tree: Path) -> None:
    """A file named beside its folder, or linked, is read once."""
    Path("rules/link.yaml").symlink_to("b.yaml")

    assert discover(["rules", "rules/b.yaml", "rules/a"]) == ("rules/a/z.yml", "rules/b.yaml")


def test_links_that_lead_back_end(tree: Path) -> None:
    """A folder that holds a link to itself is walked once."""
    Path("rules/a/loop").symlink_to("..")

    assert discover(["rules"]) == ("rules/a/z.yml", "rules/b.yaml")


def test_a_hidden_file_that_is_named_is_read(tree: Path) -> None:
    """What a user names is meant."""
    assert discover(["rules/.hidden.yaml"]) == ("rules/.hidden.yaml",)


@pytest.mark.parametrize("path", ["nowhere", "rules/a/none"])
def test_paths_that_hold_nothing_are_misuse(tree: Path, path: str) -> None:
    """A pipeline that checks nothing must not be green."""
    Path("rules/a/none").mkdir()

    with pytest.raises(MisuseError, match=path):
        read_sources([path])


def test_links_into_nowhere_are_findings(tree: Path) -> None:
    """A dangling link is told with its place, and the others are read."""
    Path("rules/dangling.yaml").symlink_to("gone")
    sources, findings = read_sources(["rules"])

    assert (
        [source.path for source in sources],
        [(finding.code, str(finding.span)) for finding in findings],
    ) == (["rules/a/z.yml", "rules/b.yaml"], [("file/unreadable", "rules/dangling.yaml:1:1")])


def test_bytes_that_are_no_utf8_are_a_finding_at_their_place(tree: Path) -> None:
    """The line and column of the first wrong byte, counted in characters."""
    Path("rules/b.yaml").write_bytes("kind: Service\ntitle: é".encode() + b"\xff\n")
    _, findings = read_sources(["rules/b.yaml"])

    assert [(finding.code, str(finding.span)) for finding in findings] == [("file/encoding", "rules/b.yaml:2:9")]


def test_a_byte_order_mark_is_no_text(tree: Path) -> None:
    """Editors on Windows write one."""
    Path("rules/b.yaml").write_bytes(b"\xef\xbb\xbfkind: Service\n")
    sources, _ = read_sources(["rules/b.yaml"])

    assert [source.text for source in sources] == ["kind: Service\n"]


def test_huge_files_are_refused(tree: Path) -> None:
    """Memory does not depend on what lies in the folder."""
    with Path("rules/b.yaml").open("wb") as file:
        file.truncate(5 * 2**20)
    _, findings = read_sources(["rules/b.yaml"])

    assert [finding.code for finding in findings] == ["file/size"]


def test_generated_files_are_not_read_back(tree: Path) -> None:
    """The output directory may lie below the definitions."""
    write_artifacts([Artifact("prometheus/rules/shop.yml", HEADER + "x\n")], "rules/out")
    sources, findings = read_sources(["rules"])

    assert (len(sources), findings) == (2, ())


# --- writing -----------------------------------------------------------------------------------------------

SHOP = Artifact("prometheus/rules/shop.yml", HEADER + "shop.yaml\n")
CART = Artifact("prometheus/rules/cart.yml", HEADER + "cart.yaml\n")


def test_writing_twice_changes_nothing(tmp_path: Path) -> None:
    """A file with the right bytes is left alone, so that nobody reloads for nothing."""
    first = write_artifacts([SHOP, CART], str(tmp_path))

    assert (first, write_artifacts([SHOP, CART], str(tmp_path)), check_artifacts([SHOP, CART], str(tmp_path))) == (
        ("prometheus/rules/cart.yml", "prometheus/rules/shop.yml"),
        (),
        (),
    )


def test_generated_files_that_are_not_needed_go_away(tmp_path: Path) -> None:
    """A service that was removed must not keep alerting; files of others stay."""
    write_artifacts([SHOP, CART], str(tmp_path))
    own = tmp_path / "prometheus/rules/own.yml"
    own.write_text("groups: []\n", encoding="utf-8")

    assert (write_artifacts([SHOP], str(tmp_path)), own.exists()) == (("prometheus/rules/cart.yml",), True)


def test_files_of_others_are_not_replaced(tmp_path: Path) -> None:
    """A hand-written prometheus.yml is never lost, and nothing is written beside it."""
    own = tmp_path / SHOP.path
    own.parent.mkdir(parents=True)
    own.write_text("groups: []\n", encoding="utf-8")

    with pytest.raises(MisuseError, match="not generated by Tocsin"):
        write_artifacts([CART, SHOP], str(tmp_path))
    assert [own] == [path for path in tmp_path.rglob("*") if path.is_file()]


def test_check_tells_missing_different_and_stale(tmp_path: Path) -> None:
    """What CI prints when committed output is not up to date."""
    write_artifacts([SHOP, CART], str(tmp_path))
    new = Artifact("prometheus/rules/new.yml", HEADER + "new.yaml\n")
    changed = Artifact(SHOP.path, SHOP.text + "groups: []\n")

    assert check_artifacts([changed, new], str(tmp_path)) == (
        ("prometheus/rules/cart.yml", "stale"),
        ("prometheus/rules/new.yml", "missing"),
        ("prometheus/rules/shop.yml", "differs"),
    )


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file where a folder is needed is an error of the environment, not a traceback."""
    (tmp_path / "out").write_text("", encoding="utf-8")

    with pytest.raises(UnavailableError, match="out"):
        write_artifacts([SHOP], str(tmp_path / "out"))


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    """Replacing a folder fails for real; what stood there stays, and so does the rest."""
    (tmp_path / SHOP.path / "occupied").mkdir(parents=True)

    with pytest.raises((UnavailableError, MisuseError)):
        write_artifacts([SHOP], str(tmp_path))
    assert [path.name for path in (tmp_path / "prometheus/rules").rglob("*") if path != tmp_path / SHOP.path] == [
        "occupied"
    ]

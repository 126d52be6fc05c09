"""Pictures of back-tests as files; the ending says what they are."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tocsin.errors import MisuseError

if TYPE_CHECKING:
    from tocsin.backtest.detection import Incident
    from tocsin.backtest.verdict import Verdict

ENDINGS = (".svg", ".png")


def check_picture(path: str | None) -> None:
    """Refuse what cannot be written before the work is done."""
    from tocsin.adapters.browser import find_browser

    if path is None:
        return
    if Path(path).suffix not in ENDINGS:
        raise MisuseError(f"--picture: {path} ends in neither {' nor '.join(ENDINGS)}")
    if Path(path).suffix == ".png":
        find_browser()


def write_picture(path: str, verdicts: "Sequence[Verdict]", incidents: "Sequence[Incident]") -> None:
    """Draw, and have a browser take a picture of it where that is asked for."""
    from tocsin.adapters.browser import find_browser, take_picture
    from tocsin.adapters.files import write_text
    from tocsin.backtest.picture import WIDTH, as_svg, height_of

    drawing = as_svg(verdicts, incidents)
    if Path(path).suffix == ".svg":
        write_text(path, drawing)
        return
    with tempfile.TemporaryDirectory(prefix="tocsin-") as folder:
        page = Path(folder, "picture.html")
        style = "<style>body{margin:0}svg{display:block}</style>"
        page.write_text(f'<!doctype html><meta charset="utf-8">{style}{drawing}', encoding="utf-8")
        take_picture(find_browser(), page, Path(path).resolve(), (WIDTH, height_of(verdicts)))

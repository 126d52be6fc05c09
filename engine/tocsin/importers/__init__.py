"""Definitions of other programs to definitions of the language, and a list of all that cannot be said.

`convert` is the way in; each importer reads documents through `Given`, so whatever it does not read is told as lost.
"""

from collections.abc import Mapping

from tocsin.importers.convert import Imported, convert
from tocsin.importers.ledger import Fate, Loss
from tocsin.importers.model import Importer
from tocsin.importers.openslo import openslo
from tocsin.importers.prometheus import prometheus
from tocsin.importers.pyrra import pyrra
from tocsin.importers.sloth import sloth

__all__ = ["IMPORTERS", "Fate", "Imported", "Loss", "convert"]

IMPORTERS: Mapping[str, Importer] = {"prometheus": prometheus, "sloth": sloth, "pyrra": pyrra, "openslo": openslo}
"""What `tocsin import` reads."""

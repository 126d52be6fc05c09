"""A complaint of jsonschema in our own types."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from tocsin.document import Path

_MOST_UNKNOWN = 100


@dataclass(frozen=True, slots=True)
class Violation:
    """*value* at *path* does not follow *keyword*: *argument* of *schema*.

    *name* says that the value is a key that people chose; *branches* are the complaints of each alternative of an
    `anyOf` or `oneOf`.
    """

    keyword: str
    argument: Any
    schema: Mapping[str, Any]
    value: Any
    path: Path
    message: str
    name: bool
    branches: tuple[tuple["Violation", ...], ...]

    @property
    def unknown(self) -> list[str]:
        """Keys that the schema does not allow, as many as somebody may want to read about."""
        if self.schema.get("additionalProperties") is not False:
            return []
        allowed = self.schema.get("properties", ())
        return list(islice((key for key in self.value if key not in allowed), _MOST_UNKNOWN))

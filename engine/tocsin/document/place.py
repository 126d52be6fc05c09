"""Where the nodes of a document stand."""

_NOTHING: dict[str | int, "Place"] = {}


class Place:
    """Where a node stands, as offsets into the text, with the same for what is inside it.

    *style* is the YAML style of a scalar (`"`, `'`, `|`, `>`, empty for plain), None for a collection.
    A plain class with slots and no more, because a workspace has a hundred thousand of them.
    """

    __slots__ = ("end", "inner", "key", "start", "style")

    def __init__(self, start: int, end: int, style: str | None) -> None:
        self.start = start
        self.end = end
        self.style = style
        self.key: tuple[int, int] | None = None
        self.inner: dict[str | int, Place] = _NOTHING

    def below(self, path: tuple[str | int, ...]) -> "Place":
        """The place that *path* leads to from here, or the nearest on the way."""
        place = self
        for step in path:
            found = place.inner.get(step)
            if found is None:
                break
            place = found
        return place

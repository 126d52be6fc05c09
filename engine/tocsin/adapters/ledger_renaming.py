"""Days of the ledger under the name that their objective has now."""

from sqlalchemy import Engine, select, update

from tocsin.adapters.database import reading, writing
from tocsin.adapters.tables import LEDGER


def carried(engine: Engine, former: str, ref: str) -> int:
    """Give *ref* the days of *former* that it has not itself, with their versions; returns how many rows that were.

    So do its groups. Who has the days already keeps its own: they were counted under the definition of today.
    """
    parts = select(LEDGER.c.ref).where(
        (LEDGER.c.ref == former) | LEDGER.c.ref.startswith(f"{former}{{", autoescape=True)
    )
    with reading(engine) as connection:
        names = connection.scalars(parts.distinct()).all()
    if not names:
        return 0
    count = 0
    with writing(engine) as connection:
        for name in names:
            now = ref + name.removeprefix(former)
            own = select(LEDGER.c.day).where(LEDGER.c.ref == now)
            free = update(LEDGER).where(LEDGER.c.ref == name, LEDGER.c.day.not_in(own))
            count += connection.execute(free.values(ref=now)).rowcount
    return count

"""Whatever happens to an alert, and whenever its rule gets another name: people hear what they would have heard."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from tests import builders
from tests.alerts import channel, notifications, route
from tests.strategies import QUARTER
from tests.worlds import START, World, seconds

from tocsin.notify.group import announce
from tocsin.ports import Row
from tocsin.spec import AlertRule
from tocsin.units import Duration
from tocsin.workspace import Workspace

ROUTED = notifications(
    channel("pd", "pagerduty"), channel("email"), route("pd", goes_on=True), route("email", wait=30, interval=60)
)
LEVELS = st.sampled_from([9.0, 9.0, 0.0, None, "down"])
Level = float | str | None
Said = list[tuple[int, str, str, int, tuple[int, ...]]]


def defined(number: int, *, for_: str, keep: str) -> Workspace:
    """One alert that was renamed so often."""
    alert: AlertRule = builders.alert(f"A{number}", value="q", above="5", for_=for_)
    former = (f"shop/A{number - 1}",) if number else ()
    alert = replace(alert, keep_firing_for=Duration.parse(keep), formerly=former)
    return builders.workspace(builders.service(alerts=(alert,)))


def heard(levels: list[Level], renamed: set[int], *, for_: str, keep: str) -> Said:
    """What is said on which channel while the rule is *renamed* at those ticks; keys are numbered as they come."""
    there, names = World(defined(0, for_=for_, keep=keep)), 0
    keys: dict[str, int] = {}
    told: Said = []
    for place, level in enumerate(levels):
        if place in renamed:
            names += 1
            before = there.watch
            there.restart(defined(names, for_=for_, keep=keep))
            there.watch.inherit(before)
        there.source.down = "refused" if level == "down" else ""
        rows = () if level is None or isinstance(level, str) else (Row((("pod", "p"),), level),)
        there.source.scripts["q"] = lambda _, rows=rows: rows  # type: ignore[misc]
        turned = there.tick(15 * place)
        groups, messages = announce(there.memory.groups, turned.views, ROUTED, START + seconds(15 * place))
        kept = {key: state for key, state in {**there.memory.groups, **groups}.items() if state is not None}
        views = {view.identity: view for view in turned.views if view.resolved_at is None}
        there.memory = replace(there.memory, groups=kept, views=views)
        for message in messages:
            number = keys.setdefault(message.dedup_key, len(keys))
            inside = tuple(keys.setdefault(text.dedup_key, len(keys)) for text in message.alerts)
            told.append((place, message.channel, message.action.value, number, inside))
    return told


@given(
    stretches=st.lists(st.tuples(LEVELS, st.integers(1, 8), st.booleans()), min_size=3, max_size=12),
    for_=st.sampled_from(["0s", "30s"]),
    keep=st.sampled_from(["0s", "45s"]),
)
@settings(max_examples=QUARTER)
def test_nobody_notices(stretches: list[tuple[Level, int, bool]], for_: str, keep: str) -> None:
    """Pending, firing, recovering, blind, quiet or flapping, told or not yet."""
    levels, renamed = list[Level](), set[int]()
    for level, ticks, again in stretches:
        if again:
            renamed.add(len(levels) + ticks // 2)
        levels += [level] * ticks

    assert heard(levels, renamed, for_=for_, keep=keep) == heard(levels, set(), for_=for_, keep=keep)

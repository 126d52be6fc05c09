"""All files together: names are defined once, references lead somewhere, order does not matter, nothing is hidden."""

from itertools import permutations

import pytest
from tests.reading import codes, document, places, together

from tocsin.spec import Combine, Member
from tocsin.workspace import Source, Workspace, read_workspace

SERVICE = "slis: {s: {ratio: {bad: b, total: t}}}\nslos: {x: {sli: s, target: 99.9%}, y: {sli: s, target: 99%}}"
SHOP = document("Service", SERVICE, "shop")
CHANNELS = document("Notifications", "channels: {mail: {apprise: u}}", "alerts")
PLATFORM = document("Platform", name="here")


def journey(name: str, *slos: str) -> str:
    """A journey; each of *slos* is `name: combine`."""
    body = "\n".join(f"  {slo.partition(':')[0]}: {{target: 99%, combine:{slo.partition(':')[2]}}}" for slo in slos)
    return document("Journey", f"slos:\n{body}", name)


class TestNames:
    """Each name is defined once."""

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            (SHOP, SHOP),
            (CHANNELS, document("Notifications", name="alerts")),
            (SHOP, journey("shop", "whole: {series: [shop/x]}")),
            (document("Dashboard", "panels: [{title: t, expr: up}]"),) * 2,
        ],
    )
    def test_the_second_is_told_with_the_place_of_the_first(self, first: str, second: str) -> None:
        """Services and journeys share their names, for references do not tell them apart."""
        _, findings = together(first, second)
        line = first.count("\n") + 4

        assert places(findings) == [(line, 7, "reference/duplicate")]
        assert [(span.line, text) for span, text in findings[0].related] == [(3, "the first one")]

    def test_only_the_first_is_kept(self) -> None:
        """Two services of one name would make rules twice."""
        workspace, _ = together(SHOP, SHOP)

        assert len(workspace.services) == 1

    def test_a_name_may_be_used_by_different_kinds(self) -> None:
        """A dashboard and a service of one name are no mistake."""
        _, findings = together(SHOP, document("Dashboard", "panels: [{title: t, expr: up}]", "shop"))

        assert findings == ()

    def test_there_is_one_platform(self) -> None:
        """Two would contradict each other, whatever they are called."""
        workspace, findings = together(PLATFORM, document("Platform", name="there"))

        assert places(findings) == [(8, 7, "reference/duplicate")]
        assert workspace.platform is not None
        assert workspace.platform.name == "here"

    def test_channels_are_unique_in_the_whole_workspace(self) -> None:
        """Alerts name them without saying in which document."""
        _, findings = together(CHANNELS, document("Notifications", "channels: {mail: {apprise: v}}", "more"))

        assert places(findings) == [(9, 12, "reference/duplicate")]


class TestReferences:
    """Each name that is used is defined somewhere."""

    @pytest.mark.parametrize(
        ("text", "place"),
        [
            (document("Service", "alerts: {A: {expr: up, severity: info, notify: [mial]}}"), (4, 49)),
            (document("Service", SERVICE.replace("99%", "99%, page: [mial]")), (5, 68)),
            (document("Service", SERVICE.replace("99%", "99%, ticket: [mial]")), (5, 70)),
            (document("SLA", "customer: c\ncovers: shop/x\ntarget: 99%\nnotify: [mial]"), (7, 10)),
            (document("Notifications", "routes: [{to: [mial]}]"), (4, 16)),
            (document("Journey", "slos: {z: {target: 99%, combine: {series: [shop/x]}, page: [mial]}}"), (4, 61)),
        ],
    )
    def test_unknown_channel(self, text: str, place: tuple[int, int]) -> None:
        """Wherever a channel is named."""
        _, findings = together(text, SHOP, CHANNELS)

        assert places(findings) == [(*place, "reference/unknown-channel")]
        assert findings[0].hint == "did you mean mail?"

    def test_no_channel_at_all(self) -> None:
        """The hint says where they are defined."""
        _, findings = together(document("Service", "alerts: {A: {expr: up, severity: info, notify: [mail]}}"))

        assert findings[0].hint == "define it below channels in a Notifications document"

    def test_unknown_slo_of_a_journey(self) -> None:
        """Also deep inside, and as the key of a weight."""
        _, findings = together(SHOP, journey("j", "w: {series: [shop/z, {weighted: {shop/x: 1, shp/y: 2}}]}"))

        assert places(findings) == [(11, 39, "reference/unknown-slo"), (11, 70, "reference/unknown-slo")]
        assert [finding.hint for finding in findings] == ["shop has shop/x and shop/y", "did you mean shop/y?"]

    def test_a_service_with_a_mistake_is_known(self) -> None:
        """What refers to it is no second mistake, wherever the mistake is."""
        for mistake in ("99.9%, wndow: 3d", "100%", "99.9%, window: x"):
            broken = document("Service", SERVICE.replace("99.9%", mistake), "shop")
            _, findings = together(broken, journey("j", "w: {series: [shop/x]}"))

            assert len(findings) == 1

    def test_a_kind_with_a_mistake_is_known(self) -> None:
        """A misspelt kind is one mistake, not one for every reference to its document."""
        _, findings = together(SHOP.replace("Service", "Servise"), journey("j", "w: {series: [shop/x]}"))

        assert codes(findings) == ["schema/kind"]


class TestJourneys:
    """Journeys may be parts of journeys."""

    def test_a_journey_stands_for_what_it_combines(self) -> None:
        """Slices of the outer one are combined from services alone."""
        inner = journey("inner", "whole: {series: [shop/x, shop/y]}")
        outer = journey("outer", "whole: {weighted: {inner/whole: 2, shop/x: 1}}")
        workspace, findings = together(SHOP, outer, inner)
        tree = workspace.journeys[1].slos[0].combine

        assert findings == ()
        assert isinstance(tree.parts[0], Combine)
        assert [part.ref for part in tree.parts[0].parts if isinstance(part, Member)] == ["shop/x", "shop/y"]

    @pytest.mark.parametrize(
        ("journeys", "path"),
        [
            ([journey("a", "x: {series: [a/x]}")], "a/x needs a/x"),
            ([journey("a", "x: {series: [b/y]}"), journey("b", "y: {series: [a/x]}")], "a/x needs b/y needs a/x"),
            (
                [journey("c", "z: {series: [a/x]}"), journey("b", "y: {series: [c/z]}"),
                 journey("a", "x: {weighted: {b/y: 1}}")],
                "a/x needs b/y needs c/z needs a/x",
            ),
        ],
    )  # fmt: skip
    def test_none_needs_itself(self, journeys: list[str], path: str) -> None:
        """One finding for each cycle, at the reference that its smallest name starts with."""
        for order in permutations(journeys):
            _, findings = together(*order)

            assert codes(findings) == ["reference/cycle"]
            assert findings[0].message == f"a journey cannot need itself: {path}"

    def test_two_cycles_are_two_findings(self) -> None:
        """Both are told in one run; what is not part of one is kept."""
        workspace, findings = together(
            SHOP, journey("a", "x: {series: [a/x]}"), journey("b", "y: {series: [b/y]}", "z: {series: [shop/x]}")
        )

        assert codes(findings) == ["reference/cycle", "reference/cycle"]
        assert [slo.ref for one in workspace.journeys for slo in one.slos] == ["b/z"]

    def test_doubling_is_refused(self) -> None:
        """Twenty journeys that each hold the one before twice would have a million parts."""
        chain = [journey("j0", "x: {series: [shop/x]}")]
        chain += [journey(f"j{n}", f"x: {{series: [j{n - 1}/x, j{n - 1}/x]}}") for n in range(1, 20)]
        _, findings = together(SHOP, *chain)

        assert set(codes(findings)) == {"journey/size"}

    def test_depth_is_refused(self) -> None:
        """So is a chain of six hundred."""
        chain = [journey("j0", "x: {series: [shop/x]}")]
        chain += [journey(f"j{n}", f"x: {{series: [j{n - 1}/x]}}") for n in range(1, 600)]
        _, findings = together(SHOP, *chain)

        assert set(codes(findings)) == {"journey/size"}

    @pytest.mark.parametrize("weight", ["0", "-1", "0.0"])
    def test_weights_count(self, weight: str) -> None:
        """A part that does not count is left out by leaving it out."""
        _, findings = together(SHOP, journey("j", f"w: {{weighted: {{shop/x: {weight}, shop/y: 1}}}}"))

        assert codes(findings) == ["journey/weight"]

    def test_a_slice_is_not_longer_than_the_window(self) -> None:
        """Not one would fit."""
        text = "slos: {w: {target: 99%, window: 1h, slice: 2h, combine: {series: [shop/x]}}}"
        _, findings = together(SHOP, document("Journey", text, "j"))

        assert codes(findings) == ["journey/slice"]


class TestOrder:
    """Files can be named and given in any order."""

    FILES = (
        Source("c.yaml", SHOP),
        Source("a.yaml", journey("j", "w: {series: [shop/x, shop/nope]}")),
        Source("b.yaml", CHANNELS.replace("apprise", "aprise")),
    )

    def test_findings_and_workspace_are_the_same(self) -> None:
        """For every order of the same files."""
        results = [read_workspace(order) for order in permutations(self.FILES)]

        assert all(result == results[0] for result in results)
        assert [(f.span.path, f.code) for f in results[0][1]] == [
            ("a.yaml", "reference/unknown-slo"), ("b.yaml", "schema/unknown-key"),
        ]  # fmt: skip

    def test_definitions_are_sorted_by_name(self) -> None:
        """Whatever their files are called."""
        workspace, _ = read_workspace(
            [Source("1.yaml", document("Service", name="b")), Source("2.yaml", document("Service", name="a"))]
        )

        assert [service.name for service in workspace.services] == ["a", "b"]


def test_nothing_is_a_workspace() -> None:
    """No file, or files that say nothing, are no mistake here."""
    assert read_workspace([]) == (Workspace(documents={}), ())
    assert read_workspace([Source("a.yaml", "# nothing yet\n")]) == (Workspace(documents={}), ())


def test_documents_are_at_hand() -> None:
    """Checks map findings inside expressions back to lines by them."""
    workspace, _ = together(SHOP, CHANNELS)

    assert workspace.documents is not None
    assert set(workspace.documents) == {("a.yaml", 0), ("a.yaml", 1)}

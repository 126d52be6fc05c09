"""Runbook pages in Markdown: one per service, journey and contract, and an index, from Jinja2 templates."""

import re
from operator import attrgetter
from typing import TYPE_CHECKING

from tocsin.plan import Plan
from tocsin.targets.artifact import Artifact, origin
from tocsin.targets.runbook_journeys import contract_page, journey_page
from tocsin.targets.runbook_pages import page_of
from tocsin.workspace import Workspace

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

_SPECIAL = re.compile(r"([\\`*\[\]|])")
_TICKS = re.compile("`+")
_BLANK_LINES = re.compile(r"\n{3,}")


def runbooks(plan: Plan, workspace: Workspace, template: str | None = None) -> tuple[Artifact, ...]:
    """All pages of services, journeys and contracts, sorted by path.

    *template* stands in for that of a service, and gets the same `page`.
    """
    environment = _environment()
    service_page = environment.from_string(template) if template else environment.get_template("service.md.j2")
    services = sorted((each for each in workspace.services if each.slos or each.alerts), key=attrgetter("name"))
    pages = [page_of(service, plan, workspace) for service in services]
    made = [
        Artifact(f"runbooks/{page.name}.md", _text(service_page.render(page=page), [service.span.path]))
        for page, service in zip(pages, services, strict=True)
    ]
    journeys = [journey_page(each, plan, workspace) for each in sorted(workspace.journeys, key=attrgetter("name"))]
    contracts = [contract_page(each, workspace) for each in sorted(workspace.slas, key=attrgetter("name"))]
    spans = {
        "journeys": {j.name: j.span for j in workspace.journeys},
        "contracts": {s.name: s.span for s in workspace.slas},
    }
    for folder, template_name, some in (("journeys", "journey", journeys), ("contracts", "contract", contracts)):
        one = environment.get_template(f"{template_name}.md.j2")
        for page in some:
            paths = [spans[folder][page.name].path]
            made.append(Artifact(f"runbooks/{folder}/{page.name}.md", _text(one.render(page=page), paths)))
    if made:
        index = environment.get_template("index.md.j2").render(pages=pages, journeys=journeys, contracts=contracts)
        sources = [service.span.path for service in services]
        sources += [span.path for some in spans.values() for span in some.values()]
        made.append(Artifact("runbooks/index.md", _text(index, sources)))
    return tuple(sorted(made))


def _text(body: str, paths: list[str]) -> str:
    """Say where the page comes from, in a comment that Markdown does not show, and leave no gaps."""
    source = origin(paths).replace("--", "- -")
    return f"<!-- {source} -->\n\n{_BLANK_LINES.sub(chr(10) * 2, body).strip()}\n"


def _environment() -> "ImmutableSandboxedEnvironment":
    # Imported here, because every command imports the targets and few write pages.
    from jinja2 import PackageLoader, StrictUndefined  # noqa: PLC0415
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415

    environment = ImmutableSandboxedEnvironment(
        loader=PackageLoader("tocsin.targets"),
        undefined=StrictUndefined,
        autoescape=False,  # Markdown; `text` escapes what it would read
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"text": text, "code": code}
    return environment


def text(value: object) -> str:
    r"""Show *value* as it is, on one line.

    >>> print(text("<job> is | *down*"))
    &lt;job&gt; is \| \*down\*
    """
    line = " ".join(str(value).split())
    return _SPECIAL.sub(r"\\\1", line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def code(value: object, language: str = "") -> str:
    """Show *value* as a block of code, behind a fence that it does not hold itself."""
    body = str(value).strip("\n")
    longest = max((len(ticks) for ticks in _TICKS.findall(body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{body}\n{fence}"

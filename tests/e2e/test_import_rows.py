"""An objective of Sloth with a row for each tenant, imported and judged by promtool."""

from pathlib import Path

import pytest
from tests.ruletests import counter, firing, groups_of, judge

from tocsin.definitions import definitions_of
from tocsin.importers import IMPORTERS, convert
from tocsin.workspace import Source

pytestmark = pytest.mark.real

SLOTH = """
version: prometheus/v1
service: shop
slos:
- name: by-tenant
  objective: 99.5
  sli:
    events:
      error_query: sum by (tenant) (rate(requests_total{code="500"}[{{.window}}]))
      total_query: sum by (tenant) (rate(requests_total[{{.window}}]))
"""


def test_a_tenant_with_a_hundredth_of_the_traffic_pages(tmp_path: Path) -> None:
    """It fails wholly from minute 100, so 432 of 6,000 requests in an hour (14.4 x 0.5 %) are reached at 105.

    Over all tenants the error ratio is 1 %, far below that.
    """
    big, small = 'requests_total{tenant="big",code="%s"}', 'requests_total{tenant="small",code="%s"}'
    result = convert(IMPORTERS["sloth"], [("sloth.yml", SLOTH)])
    definitions = definitions_of([Source(name, text) for name, text in result.files.items()])
    series = {
        big % 200: counter([9900] * 130),
        big % 500: counter([0] * 130),
        small % 200: counter([100] * 101 + [0] * 29),
        small % 500: counter([0] * 101 + [100] * 29),
    }
    groups = groups_of(*definitions.workspace.services[0].slos)

    assert judge(tmp_path, groups, series, firing("fast", range(105, 130), range(95, 130))) == ""

"""Manual pages of services: their metrics, labels, scraping and rule groups."""

from tocsin.codes.page import page

PAGES: dict[str, str] = {
    "group/reserved": page(
        "A rule group does not have a name that Tocsin uses.",
        "Names with `slo:` and `alerts:` in front belong to generated groups; two groups of one name in one "
        "file are refused by Prometheus.",
        "`group: slo:shop/uptime`",
        "`group: shop-batch`",
    ),
    "group/unused": page(
        "A rule group with settings has a rule.",
        "Settings of a group in which there is nothing do nothing, mostly because its name is misspelt.",
        "`groups: {bacth: {interval: 5m}}`",
        "`groups: {batch: {interval: 5m}}`",
    ),
    "kubernetes/size": page(
        "An object fits into Kubernetes.",
        "The API server refuses objects of more than about 1.5 MB, and the operator's webhook rules of more "
        "than 512 KiB.",
        "one PrometheusRule with ten thousand rules",
        "services in objects of their own",
    ),
    "labels/reserved": page(
        "Labels that Tocsin sets are not set by hand.",
        "service, slo, severity, ref and tier say what an alert is; routes and inhibitions rely on them.",
        "`labels: {severity: page}`",
        "`severity: critical`",
    ),
    "metric/buckets": page(
        "Only classic histograms have buckets.",
        "A counter or a gauge has none, and a native histogram has no fixed ones; what is listed there "
        "would never be looked for.",
        "`queue_depth: {type: gauge, buckets: [1, 2]}`",
        "`request_seconds: {type: histogram, buckets: [0.5, 1, 2]}`",
    ),
    "scrape/timeout": page(
        "A scrape ends before the next one begins.",
        "Prometheus refuses a timeout that is longer than the interval.",
        "`{interval: 15s, timeout: 30s}`",
        "`{interval: 15s, timeout: 10s}`",
    ),
    "service/duplicate-job": page(
        "A job is scraped for one service.",
        "Prometheus refuses two scrape configurations of one job name.",
        "`scrape: {job: web}` in two services",
        "a job for each",
    ),
}
"""By code."""

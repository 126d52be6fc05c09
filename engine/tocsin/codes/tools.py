"""Manual pages of what tools say: promtool, tests, and the comments and files that hide findings."""

from tocsin.codes.page import page

TOOLS: dict[str, str] = {
    "ignore/error": page(
        "Errors are not hidden by comments.",
        "What is made from the definition would be wrong, or could not be made. Comments, severities and "
        "baselines are for warnings and notes.",
        "`# tocsin: ignore promql/syntax: works for us`",
        "the mistake mended",
    ),
    "ignore/expired": page(
        "A comment that hides a finding until a day goes when the day is over.",
        "The finding is told again from the day after, so that what was put off is not forgotten.",
        "`# tocsin: ignore alert/owner until 2025-01-31: moving teams`",
        "the finding mended, or a later day and a reason that still holds",
    ),
    "ignore/reason": page(
        "A comment that hides a finding says why.",
        "Whoever reads it next year has to be able to judge whether it still holds. Without a reason nothing "
        "is hidden.",
        "`# tocsin: ignore alert/owner`",
        "`# tocsin: ignore alert/owner: owned by whoever is on call`",
    ),
    "ignore/syntax": page(
        "A comment that hides a finding can be understood.",
        "The form is `# tocsin: ignore CODE[, CODE] [until 2027-01-31]: reason`, at the end of the line, "
        "alone on the line above, or inside the expression; `ignore-file` stands above the first key of a "
        "file.",
        "`# tocsin: ignore: too noisy`",
        "`# tocsin: ignore alert/owner: too noisy`",
    ),
    "ignore/unknown": page(
        "A comment names codes that exist.",
        "A misspelt code hides nothing.",
        "`# tocsin: ignore alert/onwer: …`",
        "`# tocsin: ignore alert/owner: …`",
    ),
    "ignore/unused": page(
        "A comment hides something.",
        "One that has outlived its finding would hide the next one that comes. `tocsin check --fix` removes it.",
        "`# tocsin: ignore alert/owner: …` above an alert that has an owner",
        "no comment",
    ),
    "severity/unknown": page(
        "Severities are given to codes that exist.",
        "A misspelt code leaves the severity of the right one as it was.",
        "`checks: {alert/onwer: error}`",
        "`checks: {alert/owner: error}`",
    ),
    "baseline/stale": page(
        "A baseline holds only what is still found.",
        "An entry whose finding was mended would hide the same fault when it comes back. `tocsin check "
        "--write-baseline` writes it anew.",
        "an entry for a file that is gone",
        "the baseline written anew",
    ),
    "backtest/incident": page(
        "A file of incidents is a list of times and names.",
        "`tocsin backtest --incidents FILE` measures pages against them; one that is left out would make a good page "
        "look like a false one.",
        "`- {from: yesterday, name: outage}`",
        "`- {from: 2026-11-01T12:00:00Z, to: 2026-11-01T12:40:00Z, name: outage}`",
    ),
    "metrics/unreadable": page(
        "A file of samples is OpenMetrics with times.",
        "`tocsin evaluate`, `backtest` and the embedded Prometheus read it through promtool, which refuses the whole "
        "file for one bad line, takes milliseconds for seconds, and drops samples that come out of order without a "
        "word. A sample that is there twice counts once, and is a warning.",
        "`hits_total 1`, without a time; `hits_total 1 1767225600000`; a sample that is older than the one before it",
        "`hits_total 1 1767225600`, samples of a series in order of time, and `# EOF` as the last line",
    ),
    "promtool/config": page(
        "promtool accepts the compiled prometheus.yml.",
        "Prometheus would refuse to start with it.",
        "a target with a scheme in front",
        "`targets: [shop:8080]`",
    ),
    "promtool/label": page(
        "promtool accepts the labels of the compiled rules.",
        "Prometheus would refuse the whole rule file.",
        "a label name with a dash",
        "`labels: {team_name: shop}`",
    ),
    "promtool/rule": page(
        "promtool accepts the compiled rules.",
        "Prometheus would refuse the whole rule file, with all of its alerts.",
        "an expression of a later version of Prometheus",
        "one that the installed version knows",
    ),
    "promtool/template": page(
        "promtool accepts the templates of the compiled rules.",
        "Prometheus would refuse the whole rule file.",
        "`{{ $labels.job | unknownFunction }}`",
        "`{{ $labels.job }}`",
    ),
    "test/failed": page(
        "A test holds.",
        "The message says what was expected to fire at that time and what did.",
        "`{at: 5m, alert: X, firing: []}` where X fires",
        "the rule or the test corrected",
    ),
    "test/invalid": page(
        "A test can be run.",
        "promtool did not understand its series or values.",
        "`values: 0+1`",
        "`values: 0+1x10`",
    ),
    "test/nothing": page(
        "A test tests something.",
        "The rules of its alerts read none of its series: they are silent whatever they say, and promtool passes it.",
        "`series: 'requests{...}'` where the rule reads requests_total",
        "a series that the rule reads",
    ),
    "test/unread-series": page(
        "Every series of a test is read by a rule that it asks for.",
        "A label that is misspelt in a test makes silence come true.",
        """`queue_depth{jbo="shop"}` where the rule reads `queue_depth{job="shop"}`""",
        """`queue_depth{job="shop"}`""",
    ),
    "test/beyond": page(
        "Silence is expected while there are samples.",
        "Five minutes after the last sample nothing is seen any more, and every alert on values is silent.",
        "`values: 1x10` and `{at: 60m, alert: X, firing: []}`",
        "`values: 1x60`",
    ),
    "test/interval": page(
        "A test evaluates rules as often as production does.",
        "promtool knows one interval for all groups. Where the groups of a test have several, some are evaluated more "
        "often than they are in production.",
        "a test of groups with `interval: 1m` and `interval: 10m`",
        "a test for each",
    ),
    "proof/silent": page(
        "An alert fires when it has to.",
        "The time is computed from the objective and its windows, never by running rules; promtool then ran them on "
        "series that were made up for that, and the alert was silent.",
        "a threshold that was raised by hand in a compiled rule",
        "the rule as `tocsin compile` writes it",
    ),
    "proof/false-alarm": page(
        "An alert is silent when it has to be.",
        "In a scenario in which nobody should be woken, the alert fires.",
        "a threshold that was lowered by hand in a compiled rule",
        "the rule as `tocsin compile` writes it",
    ),
    "proof/never-fires": page(
        "An alert can fire.",
        "It was silent in every scenario that should fire it. Two operands without a common label set are a usual "
        "reason: promtool accepts them, and they never meet.",
        '`slo:bad:rate1h{window="1h"} / slo:total:rate1h`',
        "`slo:bad:rate1h / slo:total:rate1h`",
    ),
    "proof/recorded": page(
        "A series is recorded with the value that was computed.",
        "The value follows from the events that were made up, and the rule records another one, or nothing.",
        "`sum` that was changed to `avg` by hand in a compiled rule",
        "the rule as `tocsin compile` writes it",
    ),
    "proof/unlike": page(
        "A compiled rule is what its definition compiles to.",
        "Rules that were compiled before are judged, and proofs show what they do with the series of some scenarios "
        "only: a change by hand may go unnoticed by them, and matter with what is really exported. So the text is "
        "compared as well; blanks, comments, needless brackets and the order of labels make no difference.",
        '`code="503"` in a compiled rule, where the definition says `code=~"5.."`',
        "the rule as `tocsin compile` writes it",
    ),
    "proof/invalid": page(
        "A proof can be run.",
        "promtool did not understand the rules or the series that were made up for them.",
        "a compiled rule file with a mistake in it",
        "the file as `tocsin compile` writes it",
    ),
    "proof/not-proved": page(
        "Everything that is promised is proved.",
        "For some expressions no series can be made up; the message says why. Write a test for them by hand.",
        "`expr: f(x)` with a function that the prover does not know, and no test",
        "the same with a test below `tests:`",
    ),
    "mutate/survivor": page(
        "A test notices when a rule is changed.",
        "One mistake was put into the rule, and every test that asks for it still passed: were the mistake made for "
        "real, nobody would know.",
        "a test of `> 80` that only knows the values 10 and 500",
        "one that also knows 79 and 81",
    ),
    "mutate/broken": page(
        "Tests pass before rules are changed.",
        "A scenario that the rules do not pass as they are would notice every mutant, whatever it is, so there is no "
        "score.",
        "a test that expects an alert which does not fire",
        "the same test, mended; `tocsin test` says what happens instead",
    ),
    "alertmanager/channel": page(
        "Alertmanager can reach each channel of the routes as it is defined.",
        "What Alertmanager cannot do is left out of its configuration, and Tocsin alone delivers there.",
        "a channel of a service that only Apprise knows",
        "email, slack or pagerduty",
    ),
    "alertmanager/digest": page(
        "Alertmanager makes no digests.",
        "A route there tells of each group by its timers, so what was to wait for the morning is told at once.",
        "`digest: {at: '09:00'}`, compiled for an Alertmanager that shall send",
        "a long `group_interval`, or `tocsin serve`, which knows digests",
    ),
    "alertmanager/flapping": page(
        "Alertmanager damps what flaps by group_interval alone.",
        "It knows no wait that grows, so an alert that comes and goes tells people more often there.",
        "`flapping: {wait: 5m, longest: 2h}`, compiled for an Alertmanager that shall send",
        "a longer `group_interval`, or `tocsin serve`, which knows flapping",
    ),
    "alertmanager/escalation": page(
        "Alertmanager does not escalate.",
        "It knows no acknowledgement; what a route says under `escalate` is done by `tocsin serve` alone.",
        "`escalate:` on a route, with the target alertmanager",
        "an escalation policy of PagerDuty, or `tocsin serve`",
    ),
    "alertmanager/maintenance": page(
        "Planned maintenance mutes nothing in Alertmanager.",
        "It knows silences, which somebody makes each time, and time intervals of whole routes.",
        "`maintenance: {db: {…}}`, compiled for an Alertmanager that shall send",
        "a silence for each window (`amtool silence add`), or `tocsin serve`, which knows maintenance",
    ),
    "import/invalid": page(
        "What is imported is valid for the program that it was written for.",
        "That program would refuse it, so nobody can say what it means. The rest of the file is imported.",
        "a rule with `fro: 5m`",
        "a rule with `for: 5m`",
    ),
    "influxdb/retention": page(
        "A retention policy is as long as InfluxDB allows.",
        "It refuses one that is shorter than an hour, or than its shards.",
        "`retention: {short: 12h}` with `shard_duration: 1d`",
        "`retention: {short: 7d}`",
    ),
    "openslo/loss": page(
        "What OpenSLO has no word for is left out of the export.",
        "Alerts that are not about an error budget, recorded series, journeys and contracts have no kind of document "
        "in OpenSLO v1. Whoever reads the export must not take it for everything.",
        "an alert on CPU usage in a workspace that is compiled with `--target openslo`",
        "the alert kept here, where it is compiled for Prometheus, too",
    ),
    "openslo/name": page(
        "Two objectives have two names in OpenSLO.",
        "There names are flat, so service and objective are joined by a dash, which both may hold themselves.",
        "`a-b/c` and `a/b-c`: both become `a-b-c`",
        "`a-b/c` and `a/c`",
    ),
    "statsd/name": page(
        "A metric can be named in StatsD.",
        "The exporter maps names between dots; one that it cannot match would get no samples.",
        "`prefix: 9.shop`",
        "`prefix: shop`",
    ),
}
"""By code; looked for only where the tool is asked."""

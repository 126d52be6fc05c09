"""OpenSLO's alert policies as tiers of an objective.

A condition has one window. Tocsin's tiers have two, so the short one is taken from the annotation that `tocsin compile`
writes, from a second condition of the policy with the same threshold, or else is the usual twelfth.
"""

from collections.abc import Iterator
from collections.abc import Mapping as Known
from decimal import Decimal
from fractions import Fraction

from tocsin.importers.draft import Exactly, Inline, Listing, Mapping
from tocsin.importers.ledger import Fate, Given
from tocsin.importers.names import service_name, severity, unique
from tocsin.importers.services import burn_rate
from tocsin.units import Duration, UnitError

_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800, "M": 30 * 86_400, "Q": 90 * 86_400, "Y": 365 * 86_400}

Objects = Known[tuple[str, str], Given]


def shorthand(node: Given) -> Duration | None:
    """A duration of OpenSLO: a number and one of m, h, d, w, M, Q, Y; a bare number is minutes."""
    text = node.text().strip()
    number, unit = (text, "m") if text.isdecimal() else (text[:-1], text[-1:])
    if number.isdecimal() and (found := length_of(int(number), unit)) is not None:
        return found
    try:
        return Duration.parse(text)
    except UnitError:
        node.refuse(f"{node.name} is {text!r}, expected a number and a unit such as 5m, 4w or 1M")
        return None


def length_of(count: int, unit: str) -> Duration | None:
    """So many minutes, hours, days, weeks, months (of 30 days), quarters or years."""
    return Duration(count * _UNITS[unit] * 1000) if unit in _UNITS else None


def tiers(slo: Given, window: Duration, objects: Objects) -> tuple[Listing, set[str], list[bool]]:
    """The tiers of all policies, the notification targets that they name, and what they say of missing data."""
    found, targets, no_data = Listing(), set[str](), list[bool]()
    taken: set[str] = set()
    for entry in slo["alertPolicies"].elements():
        policy = _resolved(entry, "alertPolicyRef", "AlertPolicy", objects)
        if policy is None:
            continue
        spec = policy["spec"]
        for key in ("description",):
            if spec[key].value:
                spec[key].lose("tiers have no description; put it into that of the objective")
        no_data.append(spec["alertWhenNoData"].flag(default=False))
        if not spec["alertWhenResolved"].flag(default=False) and "alertWhenResolved" in spec:
            spec["alertWhenResolved"].change("Tocsin always tells the end of what it told the begin of")
        names = list(_targets(spec, objects))
        if not spec["alertWhenBreaching"].flag(default=True):
            spec["conditions"].lose("the policy does not alert when the condition is breached")
            continue
        tier = _tier(policy, window, objects, taken)
        if tier is not None:
            targets.update(names)
            tier.put("notify", Inline(names) if names else None, spec["notificationTargets"])
            found.add(tier, policy, notes=[policy.source])
    slo["alertPolicies"].use() if not slo["alertPolicies"].value else None
    return found, targets, no_data


def said(found: Listing, no_data: list[bool], slo: Given, usual: tuple[Given, Exactly | None, Duration]) -> Mapping:
    """What an objective says of its alerts: the tiers of its policies, or without them Tocsin's.

    *usual* is what those depend on: where a loss stands, the target and the period.
    """
    entry = Mapping()
    if not found.entries:
        setting, left = burn_rate([], *usual)
        entry.put("burn_rate", setting)
        if left:
            why = "it had none; burn_rate: {off: [fast, steady, slow, trickle]} switches them off"
            slo.ledger.note(Fate.ADDED, slo.key_span, "burn-rate alerts of the policy workbook", why)
        return entry
    setting = Mapping()
    setting.put("tiers", found, slo["alertPolicies"])
    entry.put("burn_rate", setting)
    if not any(no_data):
        silent = Mapping()
        silent.put("alert", Exactly("false"))
        silent.put("reason", "no policy had alertWhenNoData in OpenSLO")
        entry.put("no_traffic", silent)
    return entry


def _resolved(entry: Given, key: str, kind: str, objects: Objects) -> Given | None:
    """What an element refers to, or the element itself where it is written in place."""
    if isinstance(entry.value, Known) and key not in entry:
        entry["kind"].use(), entry["metadata"]["name"].use(), entry["apiVersion"].use()
        return entry
    name = entry.either(key)
    found = objects.get((kind, name.text()))
    if found is None:
        name.refuse(f"there is no {kind} {name.text()!r} in these files")
    return found


def _targets(spec: Given, objects: Objects) -> Iterator[str]:
    for entry in spec["notificationTargets"].elements():
        if "targetRef" in entry:
            yield service_name(entry["targetRef"].text())
        else:
            target = _resolved(entry, "targetRef", "AlertNotificationTarget", objects)
            if target is not None:
                yield service_name(target["metadata"]["name"].text() or target["spec"]["target"].text())
    spec["notificationTargets"].use() if not spec["notificationTargets"].value else None


def _tier(policy: Given, window: Duration, objects: Objects, taken: set[str]) -> Mapping | None:
    conditions = [
        found
        for entry in policy["spec"]["conditions"].elements()
        if (found := _resolved(entry, "conditionRef", "AlertCondition", objects)) is not None
    ]
    read = [each for each in map(_condition, conditions) if each is not None]
    if not read or len({threshold for threshold, _, _ in read}) > 1 or len(read) > 2:
        if read:
            policy["spec"]["conditions"].lose("a tier is one burn rate over two windows at most")
        return None
    threshold = read[0][0]
    long = max(long for _, long, _ in read)
    shorter = min(long for _, long, _ in read)
    noted = conditions[0]["metadata"]["annotations"]["tocsin/short-window"].text()
    name = conditions[0]["metadata"]["annotations"]["tocsin/name"].text() or policy["metadata"]["name"].text()
    name = unique(service_name(name), taken, joint="-")
    taken.add(name)
    share = Fraction(threshold) * Fraction(long.milliseconds, window.milliseconds)
    percent = Decimal(share.numerator * 100) / Decimal(share.denominator)
    budget = percent.quantize(Decimal("0.0001")).normalize()
    tier = Mapping()
    tier.put("name", name)
    tier.put("severity", read[0][2])
    tier.put("budget", Exactly(f"{budget:f}%"))
    tier.put("long", Exactly(str(long)))
    tier.put("short", Exactly(noted or str(shorter)) if noted or shorter < long else None)
    condition = conditions[0]["spec"]["condition"]
    if not noted and shorter == long:
        why = "a twelfth of the long one; the alert ends when the errors over it do"
        policy.ledger.note(Fate.ADDED, condition["lookbackWindow"].span, f"short window of {name}", why)
    if not 0 < share <= 1:
        condition["threshold"].refuse(f"a burn rate of {threshold} over {long} is more than the whole budget")
    return tier


def _condition(node: Given) -> tuple[Decimal, Duration, str] | None:
    """Threshold, window and severity of a burn rate."""
    spec = node["spec"]
    condition = spec["condition"]
    if condition["kind"].text("burnrate") != "burnrate":
        condition.lose("Tocsin alerts on burn rates of objectives; write an alert of its own for anything else")
        return None
    if (op := condition["op"].text("gt")) not in {"gt", "gte"}:
        condition["op"].refuse(f"a burn rate that is {op} its threshold is no reason to alert")
        condition.lose("it would alert while all is well")
        return None
    threshold, long = condition["threshold"].number(), shorthand(condition["lookbackWindow"])
    after = shorthand(condition["alertAfter"]) if condition["alertAfter"].value is not None else None
    if after is not None and after.milliseconds:
        condition["alertAfter"].lose("a tier alerts at once: its long window has waited already")
    if spec["description"].value:
        text = spec["description"].text()
        if "which v1 cannot say" not in text:
            spec["description"].lose("tiers have no description; put it into that of the objective")
    word = spec["severity"].text()
    kind = "page" if severity(word) == "critical" else "ticket"
    if word not in {kind, ""}:
        spec["severity"].change(f"the tier is a {kind} now")
    return (threshold, long, kind) if threshold is not None and long is not None else None

"""Random conditions and facts, and a slow, plain reading of both to hold the compiled one against.

The oracle reads documents and data as they are written, fact by fact, with none of the product's own readers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from policies.conditions import (
    BusinessCalendar,
    Check,
    Condition,
    Day,
    Group,
    Join,
    Operator,
    Range,
    Window,
    condition_dump,
)
from policies.conditions.synonyms import DEFAULT_SYNONYMS

AT = datetime(2026, 11, 21, 22, 30, tzinfo=UTC)
"""A Saturday night."""

NIGHTS = (Window((Day.MON, Day.FRI, Day.SAT), time(22), time(6)),)
CALENDARS = {
    "": BusinessCalendar("Europe/Rome", NIGHTS, frozenset({AT.date()})),
    "support": BusinessCalendar("UTC", (Window(tuple(Day), time(8), time(18)),)),
}

_SERVICES = st.sampled_from(["payments-api", "checkout", "billing"])
_LABELS = st.sampled_from(["labels.team", "labels.cpu", "custom.cost_centre"])
_WORDS = st.sampled_from(["production", "Production", "EU", "stage", "5", "5.0", "true", "café"])
_PHRASES = st.sampled_from(["outage", "guasto", "Payment*", "sign in", "db", "network", "支付"])
_TEXTS = st.sampled_from(
    ["Outage of payments", "Il GUASTO è grave", "sign-in slow", "Café down", "无法支付", "all quiet", "paying"]
)
_NUMBERS = st.sampled_from([0, 1, 2, 5, 5.5, -3])


def _check(fact: str, operators: str, values: st.SearchStrategy[Any], **more: Any) -> st.SearchStrategy[Condition]:
    names = st.sampled_from([Operator(name) for name in operators.split()])
    return st.builds(Check, st.just(fact), names, values, **{key: st.just(value) for key, value in more.items()})


def _several(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, min_size=1, max_size=3, unique=True).map(tuple)


def _range(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Range]:
    return st.tuples(values, values).map(lambda pair: Range(min(pair), max(pair)))


_SIZES = "lt le gt ge"
_RANKS = st.integers(1, 3)
_CHECKS: st.SearchStrategy[Condition] = st.one_of(
    _check("severity", "is is_not at_least at_most", st.integers(1, 5)),
    _check("tier", "one_of none_of", _several(_RANKS)),
    _check("service", "is is_not contains starts_with", _SERVICES),
    _check("service", "one_of none_of", _several(_SERVICES)),
    _check("segment", "is is_not", st.sampled_from(["internal", "external"])),
    _check("environment", "is is_not", _WORDS),
    _check("region", "one_of none_of", _several(_WORDS)),
    _LABELS.flatmap(lambda name: _check(name, "is is_not contains", _WORDS)),
    _LABELS.flatmap(lambda name: _check(name, _SIZES, _NUMBERS)),
    _LABELS.flatmap(lambda name: _check(name, "between", _range(_NUMBERS))),
    _check("tags", "contains", _WORDS),
    _check("tags", "one_of none_of", _several(_WORDS)),
    _check("vip", "is", st.booleans()),
    _check("slo_burn", _SIZES, _NUMBERS),
    _check("anomaly", "between", _range(_NUMBERS)),
    _check("time_in_state", _SIZES, st.integers(0, 7200)),
    _check("similar_incidents", _SIZES, st.integers(0, 3), within=86_400),
    _check("refires", "between", _range(st.integers(0, 3)), within=3_600),
    _check("text", "keyword", _several(_PHRASES)),
    _check("title", "contains starts_with", st.sampled_from(["outage", "CAFE", "pay"])),
    _check("description", "matches", st.sampled_from(["pay(ing|ments)", "^out", r"\bdown$"])),
    _check("weekday", "is", st.sampled_from(["sat", "sun"]), zone="Asia/Tokyo"),
    _check("weekday", "one_of none_of", _several(st.sampled_from(["fri", "sat", "sun"]))),
    _check("time", "within outside", st.just(NIGHTS), zone="Europe/Rome"),
    _check("holiday", "is", st.booleans()),
    _check("business_hours", "is", st.booleans(), calendar="support"),
    _check("business_hours", "is", st.booleans(), calendar="nobody's"),
    st.sampled_from(["severity", "service", "labels.team", "tags", "vip", "title", "refires"]).flatmap(
        lambda name: _check(name, "known unknown", st.none())
    ),
)


def conditions() -> st.SearchStrategy[Condition]:
    """Valid conditions of every kind of check, nested up to three deep."""

    def groups(parts: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
        return st.builds(Group, st.sampled_from(list(Join)), st.lists(parts, min_size=1, max_size=3).map(tuple))

    return _CHECKS | groups(_CHECKS | groups(_CHECKS | groups(_CHECKS)))


def facts_data() -> st.SearchStrategy[dict[str, Any]]:
    """What somebody might know of an incident; every fact may be missing."""
    opened = st.dictionaries(
        st.sampled_from(["team", "cpu"]), _WORDS | _NUMBERS | st.booleans() | st.none(), max_size=2
    )
    ages = st.lists(st.sampled_from([0, 60, 3_600, 3_601, 86_400, 90_000]), max_size=4)
    return st.fixed_dictionaries(
        {},
        optional={
            "severity": st.integers(1, 5),
            "tier": _RANKS,
            "service": _SERVICES,
            "segment": st.sampled_from(["internal", "external"]),
            "environment": _WORDS,
            "region": _WORDS,
            "labels": opened,
            "custom": st.dictionaries(st.just("cost_centre"), _WORDS | _NUMBERS, max_size=1),
            "tags": st.lists(_WORDS, max_size=3),
            "vip": st.booleans(),
            "slo_burn": _NUMBERS,
            "anomaly": _NUMBERS,
            "time_in_state": st.integers(0, 7200),
            "similar_incidents": ages,
            "refires": ages,
            "title": _TEXTS,
            "description": _TEXTS,
        },
    )


# --- The oracle ---------------------------------------------------------------------------------------------------


def plainly_holds(condition: Condition, data: Mapping[str, Any]) -> bool:
    """Whether the document holds for the data at AT, on a wall clock of UTC, with CALENDARS."""
    return document_holds(condition_dump(condition), data)


def document_holds(document: Mapping[str, Any], data: Mapping[str, Any]) -> bool:
    if "all" in document:
        return all(document_holds(part, data) for part in document["all"])
    if "any" in document:
        return any(document_holds(part, data) for part in document["any"])
    if "none" in document:
        return not any(document_holds(part, data) for part in document["none"])
    return _plain_check(document, data)


def _plain_check(check: Mapping[str, Any], data: Mapping[str, Any]) -> bool:
    fact, operator, wanted = check["fact"], check["operator"], check.get("value")
    if fact in ("weekday", "time", "holiday", "business_hours"):
        return _plain_clock(check)
    value = _plain_value(fact, data)
    if fact == "severity" and wanted is not None:
        wanted = int(wanted.removeprefix("SEV-"))
    if operator in ("known", "unknown"):
        return (value is not None) is (operator == "known")
    if value is None:
        return False
    if fact in ("similar_incidents", "refires"):
        reach = {"1d": 86_400, "1h": 3_600}[check["within"]]
        return _plain_size(operator, sum(1 for age in value if age <= reach), wanted)
    if fact in ("text", "title", "description"):
        return _plain_prose(operator, value, wanted)
    if fact == "tags":
        several = [str(word).lower() for word in (wanted if isinstance(wanted, list) else [wanted])]
        return set(several).isdisjoint(value) is (operator == "none_of")
    return _plain_scalar(fact, operator, value, wanted)


def _plain_value(fact: str, data: Mapping[str, Any]) -> Any:
    family, _dot, key = fact.partition(".")
    if key:
        value = (data.get(family) or {}).get(key)
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, int | float):
            return f"{value:g}"
        return value if value is None else value.lower()
    if fact == "text":
        said = [data[name] for name in ("title", "description") if name in data]
        return "\n".join(said) if said else None
    value = data.get(fact)
    if fact in ("environment", "region"):
        return None if value is None else value.lower()
    return [word.lower() for word in value] if fact == "tags" and value is not None else value


def _plain_scalar(fact: str, operator: str, value: Any, wanted: Any) -> bool:
    loose = fact in ("environment", "region") or "." in fact
    if loose and operator in ("is", "is_not", "one_of", "none_of"):
        wanted = [word.lower() for word in wanted] if isinstance(wanted, list) else wanted.lower()
    match operator:
        case "is":
            return bool(value == wanted)
        case "is_not":
            return bool(value != wanted)
        case "one_of":
            return bool(value in wanted)
        case "none_of":
            return bool(value not in wanted)
        case "at_least":
            return bool(value <= wanted)
        case "at_most":
            return bool(value >= wanted)
        case "contains":
            return _bare(wanted) in _bare(value)
        case "starts_with":
            return _bare(value).startswith(_bare(wanted))
    if "." in fact:
        try:
            value = float(value)
        except ValueError:
            return False
    return _plain_size(operator, value, wanted)


def _plain_size(operator: str, value: float, wanted: Any) -> bool:
    if isinstance(wanted, str):
        wanted = sum(
            int(count) * {"h": 3600, "m": 60, "s": 1}[unit] for count, unit in re.findall(r"(\d+)([hms])", wanted)
        )
    match operator:
        case "lt":
            return bool(value < wanted)
        case "le":
            return bool(value <= wanted)
        case "gt":
            return bool(value > wanted)
        case "ge":
            return bool(value >= wanted)
        case "between":
            return bool(wanted["from"] <= value <= wanted["to"])
    raise AssertionError(operator)


def _plain_prose(operator: str, text: str, wanted: Any) -> bool:
    match operator:
        case "contains":
            return _bare(wanted) in _bare(text)
        case "starts_with":
            return _bare(text).startswith(_bare(wanted))
        case "matches":
            return re.search(wanted, text, re.IGNORECASE) is not None
    return any(_has_word(form, text) for phrase in wanted for form in _alike(phrase))


def _alike(phrase: str) -> set[str]:
    """The phrase and all that share a group with it, and with those, and so on."""
    groups = [{_bare(word) for word in group} for language in DEFAULT_SYNONYMS.values() for group in language]
    found = {_bare(phrase)}
    while more := [group for group in groups if group & found and not group <= found]:
        found = found.union(*more)
    return found


def _has_word(phrase: str, text: str) -> bool:
    if phrase == "支付":
        return phrase in text
    words = r"\W+".join(re.escape(word) for word in re.findall(r"\w+", phrase))
    end = "" if phrase.endswith("*") else r"\b"
    return re.search(rf"\b{words}{end}", _bare(text)) is not None


def _bare(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    return "".join(char for char in plain if not unicodedata.combining(char)).lower()


def _plain_clock(check: Mapping[str, Any]) -> bool:
    """AT by hand: no clock changes on that night."""
    local = AT.astimezone(ZoneInfo(check.get("zone", "UTC")))
    wanted = check["value"]
    match check["fact"]:
        case "weekday":
            day = local.strftime("%a").lower()
            return (day in wanted) is not (check["operator"] == "none_of")
        case "time":
            return _in_nights(local) is (check["operator"] == "within")
        case "holiday":
            return bool(wanted)
        case _:
            return check["calendar"] == "support" and not wanted


def _in_nights(local: datetime) -> bool:
    if local.hour >= 22:
        return local.strftime("%a") in ("Mon", "Fri", "Sat")
    return local.hour < 6 and (local - timedelta(days=1)).strftime("%a") in ("Mon", "Fri", "Sat")

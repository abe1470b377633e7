"""An action plan as Markdown, from its plain data: what is handed to people without an account. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

MARKS = {"done": "x", "met": "x"}


def plan_markdown(data: Mapping[str, Any]) -> str:
    """The document, in the language in force."""
    return "\n".join(_lines(data)).rstrip() + "\n"


def _lines(data: Mapping[str, Any]) -> Iterator[str]:
    yield f"# {data['incident']}: {_line(data['title'])}"
    yield ""
    for label, value in (
        (_("Severity"), data["severity"]),
        (_("State"), data["state"]),
        (_("Owner"), data["owner"] or _("nobody")),
        (_("As of"), data["as_of"]),
    ):
        yield f"- **{label}:** {_line(value)}"
    yield from _list(
        _("Objectives"), [f"{_box(one['state'])} {_line(one['text'])}" for one in data["objectives"]], "1."
    )
    yield from _list(_("Command structure"), [_role(one) for one in data["roles"]])
    for section in data["sections"]:
        yield from ("", f"## {_line(section['title'])}", "", section["text"] or "–")
    yield from ("", f"## {_('Actions')}", "", *_tasks(data["tasks"], 0))
    yield from _list(
        _("Decisions"), [f"{one['at']} {_line(one['by'] or '–')}: {_line(one['text'])}" for one in data["decisions"]]
    )
    yield from _list(
        _("Escalations"),
        [
            _("%(at)s level %(level)s, %(to)s: %(state)s") % {**one, "to": _line(one["to"])}
            for one in data["escalations"]
        ],
    )
    yield from _list(
        _("Follow-up"), [f"{one['incident']} {_line(one['title'])}: {one['state']}" for one in data["follow_ups"]]
    )


def _list(title: str, items: Sequence[str], mark: str = "-") -> Iterator[str]:
    yield from ("", f"## {title}", "")
    yield from (f"{mark} {item}" for item in items or [_("None.")])


def _box(state: str) -> str:
    return f"[{MARKS.get(state, ' ')}]"


def _role(one: Mapping[str, Any]) -> str:
    holder = one["holder"] or (_("vacant") if one["vacant"] else _("nobody"))
    return f"**{_line(one['role'])}:** {_line(holder)}"


def _tasks(tasks: Sequence[Mapping[str, Any]], depth: int) -> Iterator[str]:
    for task in tasks:
        facts = [task["priority"], task["assignee"] or task["role"] or _("nobody")]
        facts += [_("due %(at)s") % {"at": task["due_at"]}] if task["due_at"] else []
        facts += [_("waits on %(tasks)s") % {"tasks": ", ".join(task["waits_on"])}] if task["waits_on"] else []
        if task["needs_approval"]:
            facts.append(
                _("approved by %(name)s") % {"name": task["approved_by"]} if task["approved_at"] else _("not approved")
            )
        yield f"{'  ' * depth}- {_box(task['state'])} {_line(task['title'])} ({_line('; '.join(facts))})"
        yield from _tasks(task["subtasks"], depth + 1)


def _line(text: str) -> str:
    """On one line, and no Markdown of its own at the beginning."""
    return " ".join(str(text).split()).lstrip("#>-*+ ")

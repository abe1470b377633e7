"""A policy as a document to take along: the sentences of its page as Markdown, stamped with their version."""

import re
from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from escalation_site.ui import moments
from policies.models import EscalationPolicy, Guideline, PolicyVersion
from policies.pages import PolicyPage, Rung

_MARKS = re.compile(r"([\\`*_{}\[\]<>#+|~])")


def policy_markdown(
    policy: EscalationPolicy,
    page: PolicyPage,
    *,
    guidelines: Sequence[Guideline],
    services: Sequence[str],
    at: datetime,
) -> str:
    """In the active language; ``at`` is when it was taken, for the date format of the stamp."""
    parts = [f"# {_plain(policy.name)}", f"*{stamp(policy, page.version, at=at)}*"]
    if policy.description:
        parts.append(_plain(policy.description))
    if services:
        parts.append(_("Services that use it: %(names)s.") % {"names": _plain(", ".join(services))})
    parts += [_level(rung) for rung in page.rungs]
    parts += [f"## {_('After the last level')}", "\n".join(f"- {_plain(one)}" for one in page.text.closing)]
    if guidelines:
        links = "\n".join(f"- [{_plain(one.title)}](<{one.url}>)" for one in guidelines)
        parts += [f"## {_('Guideline documents')}", links]
    return "\n\n".join(parts) + "\n"


def stamp(policy: EscalationPolicy, version: PolicyVersion, *, at: datetime) -> str:
    """Which version this is, of when and by whom, and whether it is in force."""
    places = {
        "number": version.number,
        "policy": _plain(policy.name),
        "time": moments.written(version.created_at, "full", at=at),
        "name": _plain(version.author.name if version.author else _("the system")),
    }
    if version.pk == policy.current_version_id:
        return _("Version %(number)d of %(policy)s, in force, saved %(time)s by %(name)s.") % places
    return _("Version %(number)d of %(policy)s, not in force, saved %(time)s by %(name)s.") % places


def _level(rung: Rung) -> str:
    text = rung.text
    title = f"## {text.number}. {_plain(text.name)}" + (f" ({rung.after})" if rung.after else "")
    lines = [title, _plain(" ".join(text.sentences))]
    if text.duty:
        lines.append(_plain(_("What is expected: %(duty)s") % {"duty": text.duty}))
    return "\n\n".join(lines)


def _plain(text: str) -> str:
    """Text that people wrote, with what Markdown would read as marks escaped, on one line."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))

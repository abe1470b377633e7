"""Saving what somebody wrote: the policy's own row, its documents and its next version together, or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from audit.rows import refusal_of, row_set
from audit.services import Actor, EntryValue, entry_append
from escalation_site.kernel.errors import Conflict, DomainError
from oncall.models import Team, User
from oncall.services import actor_of
from policies.models import EscalationPolicy, Guideline, PolicyVersion
from policies.models.policies import leads_to_a_policy
from policies.services import policy_publish


class EditedMeanwhile(Conflict):
    """Somebody saved ``newest`` after this edit began; nothing was saved."""

    default_code = "edited_meanwhile"

    def __init__(self, newest: PolicyVersion) -> None:
        author = newest.author.name if newest.author else _("the system")
        super().__init__(
            _("%(name)s saved version %(number)d after you began. Look at what changed, then save again.")
            % {"name": author, "number": newest.number}
        )
        self.newest = newest


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyValues:
    """The policy's own row; ``guidelines`` are titles and addresses in their order, None to leave them alone."""

    name: str
    team: Team | None
    description: str = ""
    guidelines: tuple[tuple[str, str], ...] | None = None


@transaction.atomic
def policy_create(
    *, values: PolicyValues, definition: object, author: User, at: datetime, reason: str = ""
) -> EscalationPolicy:
    """A policy with its first version. Raises DomainError naming the field at fault."""
    policy = EscalationPolicy(slug=_free_slug(values.name))
    _row_set(policy, values, author=author, at=at)
    policy_publish(policy=policy, definition=definition, author=author, at=at, reason=reason)
    return policy


@transaction.atomic
def policy_edit(
    *,
    policy: EscalationPolicy,
    base: int,
    values: PolicyValues,
    definition: object,
    author: User,
    at: datetime,
    reason: str = "",
) -> PolicyVersion:
    """Name the policy as ``values`` say and publish its next version; ``base`` is the number of the version it stems
    from, 0 for none. A definition that says what is in force makes no version.

    Raises EditedMeanwhile where there is a newer one, DomainError naming the field otherwise at fault.
    """
    policy = EscalationPolicy.objects.select_for_update().get(pk=policy.pk)
    newest = policy.versions.select_related("author").order_by("-number").first()
    if newest is not None and newest.number > base:
        raise EditedMeanwhile(newest)
    _row_set(policy, values, author=author, at=at)
    return policy_publish(policy=policy, definition=definition, author=author, at=at, reason=reason)


def _row_set(policy: EscalationPolicy, values: PolicyValues, *, author: User, at: datetime) -> None:
    fields = {"name": values.name, "team": values.team, "description": values.description}
    try:
        row_set(policy, fields, noun="policy", at=at, actor=actor_of(author), user=author)
    except ValidationError as error:
        raise refusal_of(error, told_at={"slug": "name"}) from error
    if values.guidelines is not None:
        guidelines_set(policy, values.guidelines, actor=actor_of(author), author=author, at=at)


@transaction.atomic
def guidelines_set(
    policy: EscalationPolicy, wanted: Sequence[tuple[str, str]], *, actor: Actor, author: User | None, at: datetime
) -> None:
    """Replace the documents, each (title, address), where they differ. Raises DomainError naming the row at fault."""
    before = [(one.title, one.url) for one in policy.guidelines.all()]
    if before == list(wanted):
        return
    policy.guidelines.all().delete()
    for row, (title, url) in enumerate(wanted):
        guideline = Guideline(policy=policy, title=title, url=url, position=row)
        try:
            guideline.full_clean()
        except ValidationError as error:
            part, messages = next(iter(error.message_dict.items()))
            raise DomainError(messages[0], field=f"guideline-{row}-{part}") from error
        history: object = guideline
        history._history_date = at  # type: ignore[attr-defined]  # read by simple_history
        history._history_user = author  # type: ignore[attr-defined]  # read by simple_history
        guideline.save()
    entry_append(
        EntryValue(
            at=at,
            action="policy.guidelines",
            object_type="policy",
            object_id=str(policy.pk),
            object_label=policy.name,
            subject=f"policy:{policy.pk}",
            actor=actor,
            before={"guidelines": [{"title": title, "url": url} for title, url in before]},
            after={"guidelines": [{"title": title, "url": url} for title, url in wanted]},
        )
    )


def _free_slug(name: str) -> str:
    """A short name no other policy has and no other page answers to."""
    base = slugify(name)[:50] or "policy"
    taken = set(EscalationPolicy.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    candidates = (base if attempt == 1 else f"{base}-{attempt}" for attempt in range(1, len(taken) + 3))
    return next(slug for slug in candidates if slug not in taken and leads_to_a_policy(slug))

"""Reviews of policies: opened every quarter and after each major incident, due within two weeks, closed with an outcome."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max, Min, Q
from django.urls import reverse
from django.utils.translation import gettext as _

from audit.services import EntryValue, entry_append
from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from incidents.models import EscalationRun
from oncall import ports
from oncall.models import Team, User
from oncall.services import actor_of
from oncall.telling import note_to
from policies.definition import TargetDef, TargetKind
from policies.models import EscalationPolicy, PolicyReview
from policies.severity import Severity
from policies.targets import TargetResolver
from reports.care.evidence import evidence_gather
from reports.care.permissions import may_review

QUARTER = timedelta(days=91)
TIME_TO_REVIEW = timedelta(days=14)
MAJOR_WITHIN = timedelta(days=30)
"""A major incident resolved longer ago asks for nothing any more: the quarterly review has it in its evidence."""
MAJOR = Severity.SEV1.value


def reviews_check(*, at: datetime) -> dict[str, int]:
    """Open what is due to be reviewed and report what is overdue. May run twice or late without harm."""
    return {
        "quarterly": sum(1 for policy in _quarter_over(at) if _opened(policy, PolicyReview.Cause.QUARTER, "", at)),
        "major": sum(
            1 for policy, subject in _major(at) if _opened(policy, PolicyReview.Cause.MAJOR_INCIDENT, subject, at)
        ),
        "overdue": sum(1 for review in _overdue(at) if review_report(review_id=review.pk, at=at)),
    }


# --- what is to be reviewed


def _quarter_over(at: datetime) -> Iterator[EscalationPolicy]:
    """Policies in force whose last review (or first version) is so long ago that one begun now ends within the quarter."""
    found = EscalationPolicy.objects.exclude(current_version=None).annotate(
        began=Min("versions__created_at"), reviewed=Max("reviews__closed_at")
    )
    waiting = set(PolicyReview.objects.filter(closed_at=None).values_list("policy_id", flat=True))
    for policy in found.select_related("team", "current_version__author").order_by("pk"):
        last = policy.reviewed or policy.began
        # Whatever asked for the open one, it looks at the same things.
        if policy.pk not in waiting and last is not None and last + QUARTER - TIME_TO_REVIEW <= at:
            yield policy


def _major(at: datetime) -> Iterator[tuple[EscalationPolicy, str]]:
    """Policies with the major incidents under them that were resolved of late and that no review was opened for yet."""
    known = set(
        PolicyReview.objects.filter(
            cause=PolicyReview.Cause.MAJOR_INCIDENT, opened_at__gte=at - 2 * MAJOR_WITHIN
        ).values_list("policy_id", "subject")
    )
    runs = EscalationRun.objects.filter(
        Q(incident__severity=MAJOR) | Q(incident__major_at__isnull=False),
        superseded=False,
        incident__is_test=False,
        incident__resolved_at__gte=at - MAJOR_WITHIN,
        incident__resolved_at__lte=at,
    ).select_related("policy_version__policy__team", "policy_version__policy__current_version__author")
    for run in runs.order_by("incident"):
        policy, subject = run.policy_version.policy, f"incident:{run.incident_id}"
        if (policy.pk, subject) not in known:
            yield policy, subject


def _overdue(at: datetime) -> list[PolicyReview]:
    return list(PolicyReview.objects.filter(closed_at=None, reported_at=None, due_at__lt=at).order_by("due_at"))


# --- the services


def _opened(policy: EscalationPolicy, cause: PolicyReview.Cause, subject: str, at: datetime) -> bool:
    """Open one for the task; False where another task was quicker."""
    try:
        review_open(policy=policy, cause=cause, subject=subject, at=at)
    except Conflict:
        return False
    return True


@transaction.atomic
def review_open(
    *,
    policy: EscalationPolicy,
    cause: PolicyReview.Cause,
    at: datetime,
    subject: str = "",
    actor: User | None = None,
) -> PolicyReview:
    """Ask for a review, with the evidence of the time since the last one; due in 14 days. Where no person asked for it, those
    who answer for the policy get it as a task (R184).

    Raises Conflict where one is open for the same cause (after a major incident: was ever opened), NotAllowed for
    whoever does not manage.
    """
    if actor is not None and not may_review(actor):
        raise NotAllowed(_("Managers and administrators ask for reviews."))
    policy = EscalationPolicy.objects.select_for_update(of=("self",)).get(pk=policy.pk)
    same = PolicyReview.objects.filter(policy=policy, cause=cause, subject=subject)
    if (same if subject else same.filter(closed_at=None)).exists():
        raise Conflict(_("A review of this policy is open already."), field="policy")
    last = policy.reviews.exclude(closed_at=None).order_by("-closed_at").first()
    since = max(last.opened_at if last else at - QUARTER, at - 4 * QUARTER)
    review = PolicyReview(
        policy=policy,
        cause=cause,
        subject=subject,
        evidence=evidence_gather(policy=policy, since=since, at=at),
        opened_at=at,
        due_at=at + TIME_TO_REVIEW,
    )
    _save(review, at)
    told: dict[str, object] = {}
    if actor is None:
        people = answerable(policy, at=at)
        ports.tell([_task(review, user) for user in people], at=at)
        told = {"told": [user.name for user in people]}
    after = {"cause": str(cause), "subject": subject, **told}
    _append(review, "policy_review.open", actor=actor, at=at, after=after)
    return review


@transaction.atomic
def review_close(*, review_id: int, outcome: str, note: str, actor: User, at: datetime) -> PolicyReview:
    """Close a review with what came of it, and why.

    Raises DomainError naming the field at fault, Conflict where it is closed already, NotAllowed for whoever does not
    manage.
    """
    if not may_review(actor):
        raise NotAllowed(_("Managers and administrators close reviews."))
    review = PolicyReview.objects.select_for_update(of=("self",)).select_related("policy").get(pk=review_id)
    if review.closed_at is not None:
        raise Conflict(_("This review is closed already."))
    if outcome not in (PolicyReview.Outcome.KEPT, PolicyReview.Outcome.CHANGED):
        raise DomainError(_("Say what came of it."), field="outcome")
    note = note.strip()
    if not note:
        raise DomainError(_("Say in a sentence why."), field="note")
    review.closed_at, review.closed_by, review.outcome, review.note = at, actor, outcome, note
    _save(review, at)
    _append(review, "policy_review.close", actor=actor, at=at, after={"outcome": str(outcome), "note": note})
    return review


@transaction.atomic
def review_report(*, review_id: int, at: datetime) -> bool:
    """Tell the managers of the policy's team, once, that nobody has reviewed it in time; False where that was done."""
    review = PolicyReview.objects.select_for_update(of=("self",)).select_related("policy__team").get(pk=review_id)
    if review.closed_at is not None or review.reported_at is not None:
        return False
    review.reported_at = at
    _save(review, at)
    people = answerable(review.policy, at=at)
    _append(review, "policy_review.overdue", actor=None, at=at, after={"told": [user.name for user in people]})
    ports.tell([_note(review, user) for user in people], at=at)
    return True


def answerable(policy: EscalationPolicy, *, at: datetime) -> list[User]:
    """The managers of the policy's team, or up the line of it; where there is none, the administrators."""
    resolver = TargetResolver(at=at)
    team = policy.team or Team.objects.filter(services__policy=policy).order_by("pk").first()
    found = resolver.recipients([TargetDef(TargetKind.MANAGER)], team=team) if team else ()
    return [one.user for one in found] or resolver.administrators()


def _task(review: PolicyReview, user: User) -> ports.Note:
    def words() -> tuple[str, str]:
        places = {"policy": review.policy.name, "cause": review.get_cause_display()}
        return (
            _("Please review the escalation policy %(policy)s") % places,
            _(
                "%(cause)s: does the escalation policy %(policy)s still do what it should? What happened since the last review, "
                "drills and changes in the teams are gathered there. Close it within two weeks with what came of it."
            )
            % places,
        )

    return _about(review, user, words, "open")


def _note(review: PolicyReview, user: User) -> ports.Note:
    def words() -> tuple[str, str]:
        places = {"policy": review.policy.name}
        return (
            _("The review of %(policy)s is overdue") % places,
            _(
                "Nobody has looked in time whether the escalation policy %(policy)s still does what it should. "
                "What happened since the last review is gathered there; close it with what came of it."
            )
            % places,
        )

    return _about(review, user, words, "overdue")


def _about(review: PolicyReview, user: User, words: Callable[[], tuple[str, str]], what: str) -> ports.Note:
    return note_to(
        user,
        words,
        key=f"policy_review:{review.pk}:{what}",
        link=reverse("care:review", args=(review.pk,)),
        subject_ref=f"policy:{review.policy_id}",
    )


def _save(review: PolicyReview, at: datetime) -> None:
    review._history_date = at  # type: ignore[attr-defined]  # simple_history reads the instant from here.
    review.save()


def _append(review: PolicyReview, action: str, *, actor: User | None, at: datetime, after: dict[str, object]) -> None:
    entry_append(
        EntryValue(
            at=at,
            action=action,
            object_type="policy_review",
            object_id=str(review.pk),
            object_label=review.policy.name,
            subject=f"policy:{review.policy_id}",
            actor=actor_of(actor),
            after=after,
        )
    )

"""What people add to an incident beside its timeline: files, links to others, followers, answers to customers."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from incidents.models.filing import Customer, FilingDraft
from incidents.models.incident import Incident, TimelineEvent


def attachment_path(attachment: "Attachment", name: str) -> str:
    """Where its bytes lie: by their digest, so that nothing a person typed becomes part of a path."""
    return f"attachments/{attachment.sha256[:2]}/{attachment.sha256}"


class Attachment(models.Model):
    """A log, a screenshot, a document. Of an incident, or of a draft until that is filed."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting for the scan")
        CLEAN = "clean", _("Checked")
        REFUSED = "refused", _("Refused")
        FAILED = "failed", _("Not checked")

    incident = models.ForeignKey(
        Incident,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="attachments",
        verbose_name=_("incident"),
    )
    draft = models.ForeignKey(
        FilingDraft,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="attachments",
        verbose_name=_("draft"),
    )
    event = models.ForeignKey(
        TimelineEvent, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("said with")
    )
    name = models.CharField(_("name"), max_length=160)
    content_type = models.CharField(_("type"), max_length=100, help_text=_("Found from its first bytes."))
    size = models.PositiveBigIntegerField(_("size in bytes"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    file = models.FileField(_("file"), upload_to=attachment_path, max_length=120)
    public = models.BooleanField(_("for the requester too"), default=False)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.WAITING)
    reason = models.CharField(_("why it was refused"), max_length=200, blank=True)
    scan_tries = models.PositiveSmallIntegerField(
        _("scans begun"), default=0, db_default=0, help_text=_("Since it came, or since somebody asked for another.")
    )
    scan_tried_at = models.DateTimeField(_("last scan begun"), null=True, blank=True)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    created_at = models.DateTimeField(_("added"))
    removed_at = models.DateTimeField(_("removed"), null=True, blank=True)
    history = HistoricalRecords(excluded_fields=["file", "scan_tries", "scan_tried_at"])

    class Meta:
        ordering = ("id",)
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        indexes = (
            # The look of every few minutes at files that no scanner has answered for.
            models.Index(
                fields=("scan_tried_at",),
                name="attachment_scan_waits",
                condition=models.Q(state="waiting", removed_at=None),
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=models.Q(incident__isnull=False, draft=None) | models.Q(incident=None, draft__isnull=False),
                name="attachment_of_incident_or_draft",
            ),
        )

    def __str__(self) -> str:
        return self.name


class TimelinePin(models.Model):
    """A line of the timeline that everybody should see first."""

    event = models.OneToOneField(
        TimelineEvent, on_delete=models.PROTECT, related_name="pin", verbose_name=_("timeline event")
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("pinned line")
        verbose_name_plural = _("pinned lines")

    def __str__(self) -> str:
        return str(self.event)


class Follower(models.Model):
    """Somebody who wants to know what happens to it, and is not paged for it."""

    incident = models.ForeignKey(
        Incident, on_delete=models.CASCADE, related_name="followers", verbose_name=_("incident")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="followed", verbose_name=_("person")
    )
    since = models.DateTimeField(_("since"))
    gathered = models.BooleanField(
        _("hears it gathered"),
        default=False,
        db_default=False,
        help_text=_("One notice with all that happened in some minutes, in place of one for each."),
    )
    told_at = models.DateTimeField(
        _("told up to"), null=True, blank=True, help_text=_("What came later is in the next notice that gathers.")
    )

    class Meta:
        ordering = ("id",)
        verbose_name = _("follower")
        verbose_name_plural = _("followers")
        indexes = (
            # The look of every minute for those to whom gathered news is due.
            models.Index(fields=("id",), name="follower_gathers", condition=models.Q(gathered=True)),
        )
        constraints = (models.UniqueConstraint(fields=("incident", "user"), name="follower_once"),)

    def __str__(self) -> str:
        return f"{self.user} follows INC-{self.incident_id}"


class IncidentLink(models.Model):
    """How two incidents hang together: ``source`` is a duplicate of, is caused by, blocks … ``target``."""

    class Kind(models.TextChoices):
        DUPLICATE = "duplicate", _("is a duplicate of")
        CAUSED_BY = "caused_by", _("is caused by")
        BLOCKS = "blocks", _("blocks")
        SPLIT_FROM = "split_from", _("was split from")
        RELATED = "related", _("has to do with")

    source = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="links_out", verbose_name=_("incident"))
    target = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="links_in", verbose_name=_("other"))
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("by")
    )
    at = models.DateTimeField(_("at"))
    history = HistoricalRecords()

    class Meta:
        ordering = ("id",)
        verbose_name = _("link between incidents")
        verbose_name_plural = _("links between incidents")
        constraints = (
            models.UniqueConstraint(fields=("source", "target", "kind"), name="incident_link_once"),
            models.CheckConstraint(condition=~models.Q(source=models.F("target")), name="incident_link_of_two"),
        )

    def __str__(self) -> str:
        return f"INC-{self.source_id} {self.kind} INC-{self.target_id}"


class Survey(models.Model):
    """How content whoever filed it is with how it went: 0 to 5."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="surveys", verbose_name=_("incident"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("person")
    )
    score = models.PositiveSmallIntegerField(_("score"), help_text=_("0 is bad, 5 is very good."))
    text = models.TextField(_("remark"), blank=True)
    at = models.DateTimeField(_("at"))
    history = HistoricalRecords()

    class Meta:
        ordering = ("id",)
        verbose_name = _("survey answer")
        verbose_name_plural = _("survey answers")
        constraints = (
            models.UniqueConstraint(fields=("incident", "user"), name="survey_once"),
            models.CheckConstraint(condition=models.Q(score__range=(0, 5)), name="survey_score_in_range"),
        )
        # Satisfaction over a date range.
        indexes = (models.Index(fields=("at",), name="survey_at"),)

    def __str__(self) -> str:
        return f"INC-{self.incident_id}: {self.score}"


class Complaint(models.Model):
    """A customer's complaint about an incident, kept and answered (R303)."""

    incident = models.ForeignKey(
        Incident, on_delete=models.PROTECT, related_name="complaints", verbose_name=_("incident")
    )
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, null=True, blank=True, related_name="complaints", verbose_name=_("customer")
    )
    complainant = models.CharField(_("who complains"), max_length=160, blank=True)
    text = models.TextField(_("complaint"))
    received_at = models.DateTimeField(_("received"))
    due_at = models.DateTimeField(_("to be answered by"), null=True, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("who answers"),
    )
    answer = models.TextField(_("answer"), blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("logged by")
    )
    created_at = models.DateTimeField(_("logged"))
    history = HistoricalRecords()

    class Meta:
        ordering = ("id",)
        verbose_name = _("complaint")
        verbose_name_plural = _("complaints")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(answered_at=None) | ~models.Q(answer=""), name="complaint_answered_in_words"
            ),
        )
        # Complaints that wait for an answer, the oldest first.
        indexes = (models.Index(fields=("due_at",), name="complaint_waiting", condition=models.Q(answered_at=None)),)

    def __str__(self) -> str:
        return f"INC-{self.incident_id}: {self.text[:40]}"

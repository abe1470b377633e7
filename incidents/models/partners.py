"""Whom and what responders turn to: vendors with their contracts, and the documents that belong to services."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from incidents.models.catalogue import Service
from incidents.models.filing import Category
from incidents.models.incident import Incident


class Vendor(models.Model):
    """Somebody outside who must help by contract (R101)."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    slug = models.SlugField(_("slug"), max_length=80, unique=True)
    services = models.ManyToManyField(Service, blank=True, related_name="vendors", verbose_name=_("services"))
    email = models.EmailField(_("e-mail"), blank=True)
    phone = models.CharField(_("telephone"), max_length=40, blank=True)
    portal_url = models.URLField(_("portal"), blank=True)
    contract = models.CharField(_("contract"), max_length=120, blank=True)
    support_level = models.CharField(_("support level"), max_length=120, blank=True)
    response_minutes = models.PositiveIntegerField(_("answers within, minutes"), default=60)
    instructions = models.TextField(_("how to open a case"), blank=True)
    active = models.BooleanField(_("active"), default=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ("name",)
        verbose_name = _("vendor")
        verbose_name_plural = _("vendors")

    def __str__(self) -> str:
        return self.name


class VendorCase(models.Model):
    """A vendor was called for an incident; its clock runs from ``opened_at`` to ``answered_at``."""

    incident = models.ForeignKey(
        Incident, on_delete=models.PROTECT, related_name="vendor_cases", verbose_name=_("incident")
    )
    vendor = models.ForeignKey(Vendor, on_delete=models.PROTECT, related_name="cases", verbose_name=_("vendor"))
    reference = models.CharField(_("their number"), max_length=80, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("by")
    )
    opened_at = models.DateTimeField(_("opened"))
    due_at = models.DateTimeField(_("to be answered by"))
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    told_state = models.CharField(
        _("how they were told"), max_length=20, blank=True, help_text=_("sent, failed, or by hand")
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ("id",)
        verbose_name = _("vendor case")
        verbose_name_plural = _("vendor cases")

    def __str__(self) -> str:
        return f"{self.vendor}: INC-{self.incident_id}"


class Document(models.Model):
    """A runbook, an article, a page of the wiki: shown on incidents of its services, and while somebody files one."""

    class Kind(models.TextChoices):
        RUNBOOK = "runbook", _("Runbook")
        ARTICLE = "article", _("Article")
        REFERENCE = "reference", _("Reference")

    title = models.CharField(_("title"), max_length=160)
    slug = models.SlugField(_("slug"), max_length=80, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.ARTICLE)
    url = models.URLField(_("address"), blank=True)
    text = models.TextField(_("text"), blank=True, help_text=_("Markdown."))
    keywords = models.CharField(_("words it is found by"), max_length=240, blank=True)
    services = models.ManyToManyField(Service, blank=True, related_name="documents", verbose_name=_("services"))
    categories = models.ManyToManyField(Category, blank=True, related_name="documents", verbose_name=_("categories"))
    for_requesters = models.BooleanField(
        _("for everybody who files"), default=False, help_text=_("Others are for responders only.")
    )
    active = models.BooleanField(_("active"), default=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ("title",)
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        constraints = (models.CheckConstraint(condition=~models.Q(url="", text=""), name="document_says_something"),)

    def __str__(self) -> str:
        return self.title

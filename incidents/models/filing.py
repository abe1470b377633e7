"""What a form may ask beside the ordinary fields: the tree of categories, customers, an administrator's own fields, and drafts."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords


class Category(models.Model):
    """What kind of trouble it is, as a tree: "Security / Data breach". The type that fields and plans may hang on (R111)."""

    name = models.CharField(_("name"), max_length=80)
    slug = models.SlugField(_("slug"), max_length=80, unique=True)
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("part of")
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    active = models.BooleanField(_("active"), default=True, help_text=_("Others stay on old incidents only."))
    history = HistoricalRecords()

    class Meta:
        ordering = ("position", "name")
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        constraints = (
            models.UniqueConstraint(fields=("parent", "name"), name="category_name_once"),
            models.UniqueConstraint(fields=("name",), name="category_top_once", condition=models.Q(parent=None)),
            models.CheckConstraint(condition=~models.Q(parent=models.F("pk")), name="category_not_its_own_parent"),
        )

    def __str__(self) -> str:
        return self.name


class Customer(models.Model):
    """Whom it hits, and what was promised to them: the tier of their contract decides SLA targets (R126)."""

    class Segment(models.TextChoices):
        INTERNAL = "internal", _("Internal")
        EXTERNAL = "external", _("External")

    name = models.CharField(_("name"), max_length=120, unique=True)
    slug = models.SlugField(_("slug"), max_length=80, unique=True)
    segment = models.CharField(_("segment"), max_length=10, choices=Segment.choices, default=Segment.EXTERNAL)
    tier = models.PositiveSmallIntegerField(
        _("SLA tier"), default=3, help_text=_("1 is the best contract, 3 the ordinary one.")
    )
    vip = models.BooleanField(_("VIP"), default=False)
    contract = models.CharField(_("contract"), max_length=120, blank=True)
    active = models.BooleanField(_("active"), default=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ("name",)
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        constraints = (models.CheckConstraint(condition=models.Q(tier__range=(1, 3)), name="customer_tier_in_range"),)

    def __str__(self) -> str:
        return self.name


class CustomField(models.Model):
    """A question of the house's own. Its answer is a typed fact, ``custom.<key>``, from the moment it is made (R128)."""

    class Kind(models.TextChoices):
        TEXT = "text", _("A line of text")
        LONG_TEXT = "long_text", _("Several lines of text")
        NUMBER = "number", _("A number")
        FLAG = "flag", _("Yes or no")
        CHOICE = "choice", _("One of a list")
        CHOICES = "choices", _("Several of a list")
        DATE = "date", _("A day")
        URL = "url", _("A web address")

    class Group(models.TextChoices):
        IDENTIFICATION = "identification", _("Identification")
        CLASSIFICATION = "classification", _("Classification")
        SOURCE = "source", _("Source")
        EVIDENCE = "evidence", _("Evidence")
        BUSINESS = "business", _("Business context")

    key = models.SlugField(_("key"), max_length=40, unique=True, help_text=_("Conditions call it custom.key."))
    label = models.CharField(_("label"), max_length=120)
    labels = models.JSONField(
        _("label in other languages"), default=dict, blank=True, help_text=_("For example {“it”: “…”, “nl”: “…”}.")
    )
    help_text = models.CharField(_("help"), max_length=240, blank=True)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, default=Kind.TEXT)
    options = models.JSONField(_("list to choose from"), default=list, blank=True)
    group = models.CharField(_("group of the form"), max_length=16, choices=Group.choices, default=Group.CLASSIFICATION)
    required = models.BooleanField(_("required"), default=False)
    categories = models.ManyToManyField(
        Category,
        blank=True,
        related_name="fields",
        verbose_name=_("categories"),
        help_text=_("Asked for incidents of these and what is part of them; none means all."),
    )
    shown_if = models.JSONField(
        _("asked if"), default=None, null=True, blank=True, help_text=_("A condition over what is answered so far.")
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    active = models.BooleanField(_("active"), default=True, help_text=_("Answers given to others are kept."))
    history = HistoricalRecords()

    class Meta:
        ordering = ("group", "position", "key")
        verbose_name = _("custom field")
        verbose_name_plural = _("custom fields")

    def __str__(self) -> str:
        return self.label


class FilingDraft(models.Model):
    """What somebody had typed before the network, the session or the battery went: one each, gone when it is filed."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="filing_draft", verbose_name=_("person")
    )
    values = models.JSONField(_("values"), default=dict)
    updated_at = models.DateTimeField(_("updated"))

    class Meta:
        verbose_name = _("draft")
        verbose_name_plural = _("drafts")

    def __str__(self) -> str:
        return f"{self.user} {self.updated_at:%Y-%m-%d %H:%M}"


class SavedView(models.Model):
    """A list, board or other view with its filters, under a name (R215). The address after the question mark is all there is to it."""

    class Place(models.TextChoices):
        LIST = "list", _("List")
        BOARD = "board", _("Board")
        PLAN = "plan", _("Timeline")
        LOAD = "load", _("Workload")

    class Shared(models.TextChoices):
        NOBODY = "nobody", _("Only me")
        TEAM = "team", _("A team")
        EVERYBODY = "everybody", _("Everybody")

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views", verbose_name=_("owner")
    )
    name = models.CharField(_("name"), max_length=60)
    place = models.CharField(_("view"), max_length=8, choices=Place.choices, default=Place.LIST)
    query = models.TextField(_("filters"), blank=True, help_text=_("As in the address of the page."))
    shared = models.CharField(_("shared with"), max_length=10, choices=Shared.choices, default=Shared.NOBODY)
    team = models.ForeignKey(
        "oncall.Team",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="saved_views",
        verbose_name=_("team"),
    )
    created_at = models.DateTimeField(_("created"))
    history = HistoricalRecords()

    class Meta:
        ordering = ("name", "id")
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        constraints = (
            models.UniqueConstraint(fields=("owner", "place", "name"), name="saved_view_name_once"),
            models.CheckConstraint(
                condition=models.Q(shared="team", team__isnull=False)
                | (~models.Q(shared="team") & models.Q(team=None)),
                name="saved_view_team_if_shared_so",
            ),
        )

    def __str__(self) -> str:
        return self.name


class OpeningView(models.Model):
    """The view that a page opens with, where its address asks for nothing: a person's choice, or what their team begins with."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="opening_views",
        verbose_name=_("person"),
    )
    team = models.ForeignKey(
        "oncall.Team",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="opening_views",
        verbose_name=_("team"),
    )
    view = models.ForeignKey(SavedView, on_delete=models.CASCADE, related_name="opens", verbose_name=_("saved view"))
    place = models.CharField(_("view"), max_length=8, choices=SavedView.Place.choices)

    class Meta:
        ordering = ("id",)
        verbose_name = _("view to begin with")
        verbose_name_plural = _("views to begin with")
        constraints = (
            models.UniqueConstraint(fields=("user", "place"), name="opening_view_of_person"),
            models.UniqueConstraint(fields=("team", "place"), name="opening_view_of_team"),
            models.CheckConstraint(
                condition=models.Q(user__isnull=False, team=None) | models.Q(user=None, team__isnull=False),
                name="opening_view_of_one",
            ),
        )

    def __str__(self) -> str:
        return f"{self.user or self.team}: {self.view}"

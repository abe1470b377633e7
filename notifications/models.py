"""How people are reached, what they were told, and every attempt to tell them."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from notifications.channels.base import kind_choices
from notifications.values import DEFAULT_PRIORITY


class ContactMethod(models.Model):
    """One address of one person; tried in the order of ``position``."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="contact_methods",
        db_index=False,  # The unique constraint begins with the user and serves the look-up.
        verbose_name=_("person"),
    )
    kind = models.CharField(_("channel"), max_length=20, choices=kind_choices)
    address = models.CharField(_("address"), max_length=254)
    position = models.PositiveSmallIntegerField(_("position"), default=0, help_text=_("Lower is tried first."))
    enabled = models.BooleanField(_("enabled"), default=True)
    verified_at = models.DateTimeField(_("verified at"), null=True, blank=True)

    history = HistoricalRecords()

    class Meta:
        ordering = ("user_id", "position", "id")
        verbose_name = _("contact method")
        verbose_name_plural = _("contact methods")
        constraints = (
            models.UniqueConstraint(
                fields=("user", "kind", "address"),
                name="contact_method_once",
                violation_error_message=_("This person already has this address."),
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.address}"


class Destination(models.Model):
    """A place that is told and is no person: a chat channel by its incoming webhook, or a program by a signed one.

    The address is a secret as much as the key to sign with: whoever has it can post. Both are sealed, and ``host`` is what
    of the address may be shown. A destination that was ever used is switched off, not deleted.
    """

    class Kind(models.TextChoices):
        CHAT = "chat", _("Chat channel")
        WEBHOOK = "webhook", _("Webhook")

    name = models.CharField(_("name"), max_length=80, unique=True)
    slug = models.SlugField(_("slug"), max_length=60, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    host = models.CharField(_("host"), max_length=255, editable=False)
    address_sealed = models.TextField(_("address"), editable=False)
    secret_sealed = models.TextField(_("signing secret"), blank=True, editable=False)
    enabled = models.BooleanField(_("enabled"), default=True)
    carries_restricted = models.BooleanField(
        _("restricted incidents too"),
        default=False,
        help_text=_("Only where everybody who reads there may know of them."),
    )
    buttons = models.BooleanField(
        _("buttons to act"),
        default=False,
        db_default=False,
        help_text=_("A Mattermost channel: people acknowledge, hand over and resolve from inside the message."),
    )
    # A column more in a history that is sealed would change what its older versions say; the ledger has the change.
    history = HistoricalRecords(excluded_fields=["address_sealed", "secret_sealed", "buttons"])

    class Meta:
        ordering = ("name",)
        verbose_name = _("destination")
        verbose_name_plural = _("destinations")
        constraints = (
            models.CheckConstraint(
                name="destination_webhook_is_signed", condition=~Q(kind="webhook") | ~Q(secret_sealed="")
            ),
        )

    def __str__(self) -> str:
        return self.name


class ChatAccount(models.Model):
    """Who somebody is in a chat service: whoever is signed in says so, once, from a link that only that account was shown.

    ``host`` is the chat service's, ``account`` its own name for the person, which never changes; ``handle`` is how people there
    call them.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="chat_accounts", verbose_name=_("person")
    )
    host = models.CharField(_("host"), max_length=255)
    account = models.CharField(_("account"), max_length=64)
    handle = models.CharField(_("handle"), max_length=80)
    linked_at = models.DateTimeField(_("linked at"))

    class Meta:
        ordering = ("host", "handle", "id")
        verbose_name = _("chat account")
        verbose_name_plural = _("chat accounts")
        constraints = (models.UniqueConstraint(fields=("host", "account"), name="chat_account_of_one"),)

    def __str__(self) -> str:
        return f"@{self.handle} ({self.host})"


class Message(models.Model):
    """One thing to tell one person, or to post at one destination.

    It ends delivered, failed with a reason or cancelled with a reason (DESIGN.md §5, invariant 4).
    """

    class Kind(models.TextChoices):
        PAGE = "page", _("Page")
        NOTICE = "notice", _("Notice")
        POST = "post", _("Post")

    class Urgency(models.TextChoices):
        HIGH = "high", _("High")
        LOW = "low", _("Low")

    class State(models.TextChoices):
        PENDING = "pending", _("Pending")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    class Reason(models.TextChoices):
        """Why a message failed. A cancellation carries its caller's own words."""

        NO_CONTACT_METHOD = "no_contact_method", _("no contact method")
        SWITCHED_OFF = "switched_off", _("the destination is switched off")
        UNREACHABLE = "unreachable", _("unreachable by every contact method")
        OUTCOME_UNKNOWN = "outcome_unknown", _("handed over, but the outcome is unknown")

    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="messages",
        db_index=False,  # The index below begins with it.
        verbose_name=_("recipient"),
    )
    destination = models.ForeignKey(
        Destination,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="messages",
        db_index=False,  # Looked up by nobody; deleting a destination may take its time.
        verbose_name=_("destination"),
    )
    about = models.CharField(
        _("about"),
        max_length=60,
        blank=True,
        db_default="",
        help_text=_("What a post concerns (“incident:42”), to find it by."),
    )
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices, default=Kind.PAGE)
    urgency = models.CharField(_("urgency"), max_length=4, choices=Urgency.choices, default=Urgency.HIGH)
    subject = models.CharField(_("subject"), max_length=250)
    body = models.TextField(_("text"))
    body_html = models.TextField(_("HTML"), blank=True)
    link = models.CharField(_("link"), max_length=1000, blank=True)
    idempotency_key = models.CharField(_("idempotency key"), max_length=200, unique=True)
    priority = models.PositiveSmallIntegerField(
        _("priority"), default=DEFAULT_PRIORITY, help_text=_("Lower goes first.")
    )
    context = models.JSONField(_("context"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created at"))
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.PENDING)
    state_reason = models.CharField(_("reason"), max_length=200, blank=True)
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)
    cancel_reason = models.CharField(
        _("cancellation asked"),
        max_length=200,
        blank=True,
        help_text=_("Set when it was cancelled while a delivery was under way."),
    )
    report_due_at = models.DateTimeField(
        _("report due at"),
        null=True,
        blank=True,
        help_text=_("Set while the outcome still has to be told to the part that asked."),
    )

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        indexes = (
            # A person's own page and the admin: what was I sent, newest first.
            models.Index(fields=("recipient", "-created_at"), name="message_recipient"),
            # outcomes_report: those whose caller raised when told. Normally empty.
            models.Index(fields=("report_due_at",), name="message_report", condition=Q(report_due_at__isnull=False)),
            # next_due_at and the operations page: oldest message not settled yet.
            models.Index(fields=("created_at",), name="message_pending", condition=Q(state="pending")),
            # The ladder, and who stops them: the posts of one incident. Empty where nothing is posted.
            models.Index(fields=("about",), name="message_posts", condition=Q(destination__isnull=False)),
        )
        constraints = (
            models.CheckConstraint(
                name="message_to_one",
                condition=Q(recipient__isnull=False, destination__isnull=True)
                | Q(recipient__isnull=True, destination__isnull=False),
            ),
            models.CheckConstraint(
                name="message_settled_with_instant",
                condition=Q(state="pending", settled_at__isnull=True)
                | (~Q(state="pending") & Q(settled_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="message_ends_with_reason",
                condition=~Q(state__in=("failed", "cancelled")) | ~Q(state_reason=""),
            ),
        )

    def __str__(self) -> str:
        return self.subject

    @property
    def reason_text(self) -> str:
        """The reason in words, translated when it is one of ``Reason``."""
        return (
            str(self.Reason(self.state_reason).label) if self.state_reason in self.Reason.values else self.state_reason
        )

    @property
    def told(self) -> str:
        """Whom or what it is for, as people call them. Reads the row it refers to."""
        return str(self.recipient or self.destination or "")

    @property
    def audit_subject(self) -> str:
        """What the ledger files this message's entries under ("incident:42"), empty when the caller named nothing."""
        return str(self.context.get("subject", ""))


class Delivery(models.Model):
    """One message on its way by one contact method. Channel and address are copied: history survives an edit."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        SENDING = "sending", _("Sending")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    message = models.ForeignKey(
        Message,
        on_delete=models.PROTECT,
        related_name="deliveries",
        db_index=False,  # The unique constraint begins with it.
        verbose_name=_("message"),
    )
    contact_method = models.ForeignKey(
        ContactMethod,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="deliveries",
        verbose_name=_("contact method"),
    )
    channel = models.CharField(_("channel"), max_length=20)
    address = models.CharField(_("address"), max_length=254)
    position = models.PositiveSmallIntegerField(
        _("position"), help_text=_("0 is the first method tried for the message.")
    )
    priority = models.PositiveSmallIntegerField(
        _("priority"), help_text=_("Copied from the message, for the index of the queue.")
    )
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.QUEUED)
    next_attempt_at = models.DateTimeField(_("next attempt at"))
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True)
    claimed_by = models.CharField(_("claimed by"), max_length=100, blank=True)
    attempts_made = models.PositiveSmallIntegerField(_("attempts made"), default=0)
    reason = models.CharField(_("reason"), max_length=255, blank=True)
    created_at = models.DateTimeField(_("created at"))
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)

    class Meta:
        ordering = ("message_id", "position")
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        indexes = (
            # deliveries_claim: what is due on one channel, most urgent first.
            models.Index(
                fields=("channel", "priority", "next_attempt_at", "id"),
                name="delivery_due",
                condition=Q(state="queued"),
            ),
            # next_due_at: when to wake up.
            models.Index(fields=("next_attempt_at",), name="delivery_next", condition=Q(state="queued")),
            # leases_recover and leases_renew: what is under way.
            models.Index(fields=("lease_until",), name="delivery_lease", condition=Q(state="sending")),
        )
        constraints = (
            models.UniqueConstraint(fields=("message", "position"), name="delivery_position_once"),
            # At most one method at a time, and never two engines on one message.
            models.UniqueConstraint(
                fields=("message",), condition=Q(state__in=("queued", "sending")), name="delivery_one_open"
            ),
            models.CheckConstraint(
                name="delivery_sending_has_lease",
                condition=~Q(state="sending") | Q(lease_until__isnull=False),
            ),
            models.CheckConstraint(
                name="delivery_ends_with_reason",
                condition=~Q(state__in=("failed", "cancelled")) | ~Q(reason=""),
            ),
        )

    def __str__(self) -> str:
        return f"{self.channel}: {self.address}"


class Attempt(models.Model):
    """One call to a provider: written before calling out, completed after it.

    ``handed_over_at`` is the moment after which the provider may have it: an attempt that ends without an outcome
    beyond that moment is *unknown* and is never repeated by the same method.
    """

    class Outcome(models.TextChoices):
        SENT = "sent", _("Sent")
        REFUSED = "refused", _("Refused")
        ERROR = "error", _("Error")
        UNKNOWN = "unknown", _("Unknown")
        CANCELLED = "cancelled", _("Cancelled")

    delivery = models.ForeignKey(
        Delivery,
        on_delete=models.PROTECT,
        related_name="attempts",
        db_index=False,  # The unique constraint begins with it.
        verbose_name=_("delivery"),
    )
    number = models.PositiveSmallIntegerField(_("number"))
    started_at = models.DateTimeField(_("started at"))
    handed_over_at = models.DateTimeField(_("handed over at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices, blank=True)
    detail = models.CharField(_("detail"), max_length=500, blank=True)
    provider_ref = models.CharField(_("provider's reference"), max_length=200, blank=True)

    class Meta:
        ordering = ("delivery_id", "number")
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        constraints = (
            models.UniqueConstraint(fields=("delivery", "number"), name="attempt_number_once"),
            models.CheckConstraint(
                name="attempt_finished_with_outcome",
                condition=Q(finished_at__isnull=True, outcome="") | (Q(finished_at__isnull=False) & ~Q(outcome="")),
            ),
        )

    def __str__(self) -> str:
        return f"{self.delivery_id}/{self.number} {self.get_outcome_display()}"

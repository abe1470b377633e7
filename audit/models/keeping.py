"""Who outside keeps our checkpoints, and what was sent to whom when."""

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, validate_email
from django.db import models
from django.utils.translation import gettext_lazy as _

from audit.proofs.notes import COSIGNATURE, BadNote, verifier_read
from escalation_site.kernel.outbound import OutboundRefused, address_check


class Keeper(models.Model):
    """Somebody outside who keeps signed checkpoints: a later one that does not continue them shows that the log was written anew.

    A checkpoint is signed itself, so that no keeper needs a secret of ours. A witness answers with a signature of its own.
    """

    class Kind(models.TextChoices):
        EMAIL = "email", _("E-mail")
        WEBHOOK = "webhook", _("Webhook")
        WITNESS = "witness", _("Witness")

    slug = models.SlugField(_("key"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    address = models.CharField(
        _("address"),
        max_length=500,
        help_text=_("An e-mail address, a webhook’s address, or the address below which a witness has add-checkpoint."),
    )
    public_key = models.CharField(
        _("public key"), max_length=200, blank=True, help_text=_("Of a witness: name+id+key, as it publishes it.")
    )
    every_minutes = models.PositiveIntegerField(
        _("minutes between two"),
        default=60,
        validators=[MinValueValidator(1)],
        help_text=_("Nothing is sent while nothing was added."),
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    next_at = models.DateTimeField(_("next"), null=True, editable=False)
    sent_size = models.BigIntegerField(_("size it has"), default=0, editable=False)
    sent_at = models.DateTimeField(_("last sent"), null=True, editable=False)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    last_error = models.CharField(_("last error"), max_length=300, blank=True, default="", editable=False)

    class Meta:
        ordering = ("name", "id")
        verbose_name = _("keeper")
        verbose_name_plural = _("keepers")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(kind="witness") & ~models.Q(public_key="")
                | ~models.Q(kind="witness") & models.Q(public_key=""),
                name="ledger_keeper_witness_has_key",
                violation_error_message=_("A witness has a public key, and nobody else does."),
            ),
            models.CheckConstraint(condition=models.Q(every_minutes__gte=1), name="ledger_keeper_every"),
        )

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.kind == self.Kind.EMAIL:
            try:
                validate_email(self.address)
            except ValidationError as error:
                raise ValidationError({"address": error.messages}) from None
        elif self.kind:
            try:
                address_check(self.address)
            except OutboundRefused as error:
                raise ValidationError({"address": error.message}) from None
        if self.kind == self.Kind.WITNESS and self.public_key:
            try:
                key = verifier_read(self.public_key)
            except BadNote:
                raise ValidationError({"public_key": _("This is no key of the form name+id+key.")}) from None
            if key.kind != COSIGNATURE:
                raise ValidationError({"public_key": _("This key does not sign as a witness does (cosignature/v1).")})


class KeeperSending(models.Model):
    """One checkpoint that was sent, or could not be. Only ever added."""

    class Outcome(models.TextChoices):
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")

    # A keeper that was ever sent something is switched off, not deleted: the record names it.
    keeper = models.ForeignKey(Keeper, on_delete=models.PROTECT, related_name="sendings", verbose_name=_("keeper"))
    at = models.DateTimeField(_("at"))
    size = models.BigIntegerField(_("size"))
    root = models.BinaryField(_("root"), max_length=32)
    outcome = models.CharField(_("outcome"), max_length=6, choices=Outcome.choices)
    detail = models.CharField(_("detail"), max_length=300, blank=True)
    cosigned = models.TextField(
        _("cosigned checkpoint"), blank=True, help_text=_("The checkpoint with the signature of the witness below it.")
    )

    class Meta:
        ordering = ("id",)
        verbose_name = _("sent checkpoint")
        verbose_name_plural = _("sent checkpoints")
        indexes = (
            # The cosignatures of one checkpoint, and the newest checkpoint that has any.
            models.Index(fields=("size",), name="ledger_cosigned", condition=~models.Q(cosigned="")),
            # One keeper's newest.
            models.Index(fields=("keeper", "-id"), name="ledger_sent_to"),
        )

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.size}"

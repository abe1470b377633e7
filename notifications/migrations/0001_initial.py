"""Contact methods, messages, deliveries and attempts; the history of contact methods is append-only from the start."""

import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models

import notifications.channels.base
from audit.immutability import append_only
from escalation_site.kernel.migrating import LeanMigration


class Migration(LeanMigration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ContactMethod",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=notifications.channels.base.kind_choices, max_length=20, verbose_name="channel"
                    ),
                ),
                ("address", models.CharField(max_length=254, verbose_name="address")),
                (
                    "position",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="Lower is tried first.", verbose_name="position"
                    ),
                ),
                ("enabled", models.BooleanField(default=True, verbose_name="enabled")),
                ("verified_at", models.DateTimeField(blank=True, null=True, verbose_name="verified at")),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="contact_methods",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "contact method",
                "verbose_name_plural": "contact methods",
                "ordering": ("user_id", "position", "id"),
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(max_length=20, verbose_name="channel")),
                ("address", models.CharField(max_length=254, verbose_name="address")),
                (
                    "position",
                    models.PositiveSmallIntegerField(
                        help_text="0 is the first method tried for the message.", verbose_name="position"
                    ),
                ),
                (
                    "priority",
                    models.PositiveSmallIntegerField(
                        help_text="Copied from the message, for the index of the queue.", verbose_name="priority"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("sending", "Sending"),
                            ("delivered", "Delivered"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="queued",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("next_attempt_at", models.DateTimeField(verbose_name="next attempt at")),
                ("lease_until", models.DateTimeField(blank=True, null=True, verbose_name="lease until")),
                ("claimed_by", models.CharField(blank=True, max_length=100, verbose_name="claimed by")),
                ("attempts_made", models.PositiveSmallIntegerField(default=0, verbose_name="attempts made")),
                ("reason", models.CharField(blank=True, max_length=255, verbose_name="reason")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                ("settled_at", models.DateTimeField(blank=True, null=True, verbose_name="settled at")),
                (
                    "contact_method",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="deliveries",
                        to="notifications.contactmethod",
                        verbose_name="contact method",
                    ),
                ),
            ],
            options={
                "verbose_name": "delivery",
                "verbose_name_plural": "deliveries",
                "ordering": ("message_id", "position"),
            },
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveSmallIntegerField(verbose_name="number")),
                ("started_at", models.DateTimeField(verbose_name="started at")),
                ("handed_over_at", models.DateTimeField(blank=True, null=True, verbose_name="handed over at")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished at")),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("sent", "Sent"),
                            ("refused", "Refused"),
                            ("error", "Error"),
                            ("unknown", "Unknown"),
                            ("cancelled", "Cancelled"),
                        ],
                        max_length=10,
                        verbose_name="outcome",
                    ),
                ),
                ("detail", models.CharField(blank=True, max_length=500, verbose_name="detail")),
                ("provider_ref", models.CharField(blank=True, max_length=200, verbose_name="provider's reference")),
                (
                    "delivery",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attempts",
                        to="notifications.delivery",
                        verbose_name="delivery",
                    ),
                ),
            ],
            options={
                "verbose_name": "attempt",
                "verbose_name_plural": "attempts",
                "ordering": ("delivery_id", "number"),
            },
        ),
        migrations.CreateModel(
            name="HistoricalContactMethod",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=notifications.channels.base.kind_choices, max_length=20, verbose_name="channel"
                    ),
                ),
                ("address", models.CharField(max_length=254, verbose_name="address")),
                (
                    "position",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="Lower is tried first.", verbose_name="position"
                    ),
                ),
                ("enabled", models.BooleanField(default=True, verbose_name="enabled")),
                ("verified_at", models.DateTimeField(blank=True, null=True, verbose_name="verified at")),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical contact method",
                "verbose_name_plural": "historical contact methods",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("page", "Page"), ("notice", "Notice")],
                        default="page",
                        max_length=20,
                        verbose_name="kind",
                    ),
                ),
                (
                    "urgency",
                    models.CharField(
                        choices=[("high", "High"), ("low", "Low")], default="high", max_length=4, verbose_name="urgency"
                    ),
                ),
                ("subject", models.CharField(max_length=250, verbose_name="subject")),
                ("body", models.TextField(verbose_name="text")),
                ("body_html", models.TextField(blank=True, verbose_name="HTML")),
                ("link", models.CharField(blank=True, max_length=1000, verbose_name="link")),
                ("idempotency_key", models.CharField(max_length=200, unique=True, verbose_name="idempotency key")),
                (
                    "priority",
                    models.PositiveSmallIntegerField(
                        default=50, help_text="Lower goes first.", verbose_name="priority"
                    ),
                ),
                ("context", models.JSONField(blank=True, default=dict, verbose_name="context")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("delivered", "Delivered"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="pending",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("state_reason", models.CharField(blank=True, max_length=200, verbose_name="reason")),
                ("settled_at", models.DateTimeField(blank=True, null=True, verbose_name="settled at")),
                (
                    "cancel_reason",
                    models.CharField(
                        blank=True,
                        help_text="Set when it was cancelled while a delivery was under way.",
                        max_length=200,
                        verbose_name="cancellation asked",
                    ),
                ),
                (
                    "report_due_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Set while the outcome still has to be told to the part that asked.",
                        null=True,
                        verbose_name="report due at",
                    ),
                ),
                (
                    "recipient",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="messages",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="recipient",
                    ),
                ),
            ],
            options={
                "verbose_name": "message",
                "verbose_name_plural": "messages",
                "ordering": ("-created_at", "-id"),
            },
        ),
        migrations.AddField(
            model_name="delivery",
            name="message",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="deliveries",
                to="notifications.message",
                verbose_name="message",
            ),
        ),
        migrations.AddConstraint(
            model_name="contactmethod",
            constraint=models.UniqueConstraint(
                fields=("user", "kind", "address"),
                name="contact_method_once",
                violation_error_message="This person already has this address.",
            ),
        ),
        migrations.AddConstraint(
            model_name="attempt",
            constraint=models.UniqueConstraint(fields=("delivery", "number"), name="attempt_number_once"),
        ),
        migrations.AddConstraint(
            model_name="attempt",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at__isnull", True), ("outcome", "")),
                    models.Q(("finished_at__isnull", False), models.Q(("outcome", ""), _negated=True)),
                    _connector="OR",
                ),
                name="attempt_finished_with_outcome",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["recipient", "-created_at"], name="message_recipient"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("report_due_at__isnull", False)), fields=["report_due_at"], name="message_report"
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(condition=models.Q(("state", "pending")), fields=["created_at"], name="message_pending"),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("settled_at__isnull", True), ("state", "pending")),
                    models.Q(models.Q(("state", "pending"), _negated=True), ("settled_at__isnull", False)),
                    _connector="OR",
                ),
                name="message_settled_with_instant",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ("failed", "cancelled")), _negated=True),
                    models.Q(("state_reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="message_ends_with_reason",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "queued")),
                fields=["channel", "priority", "next_attempt_at", "id"],
                name="delivery_due",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "queued")), fields=["next_attempt_at"], name="delivery_next"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(condition=models.Q(("state", "sending")), fields=["lease_until"], name="delivery_lease"),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(fields=("message", "position"), name="delivery_position_once"),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("queued", "sending"))), fields=("message",), name="delivery_one_open"
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "sending"), _negated=True), ("lease_until__isnull", False), _connector="OR"
                ),
                name="delivery_sending_has_lease",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ("failed", "cancelled")), _negated=True),
                    models.Q(("reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="delivery_ends_with_reason",
            ),
        ),
        append_only(("notifications_historicalcontactmethod", "history_id")),
    ]

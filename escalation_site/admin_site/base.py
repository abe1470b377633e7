"""What every admin page of ours shares: the look, the history with its differences, and the ledger.

Whatever is saved or deleted here is entered in the ledger in the same transaction (Django's admin opens one for each
form and each deletion), as ``<noun>.create``, ``.change`` or ``.delete`` with the fields that differ.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar, cast

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import NestedObjects
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from audit.context import action
from audit.services import Actor, EntryValue, entry_append
from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now

Function = TypeVar("Function", bound=Callable[..., Any])

SOURCE = "admin"
CHANGED = "(changed)"
"""Stands in the ledger for the value of a secret."""


def column(
    description: str | Promise, *, ordering: str = "", label: dict[str, str] | None = None, header: bool = False
) -> Callable[[Function], Function]:
    """A list column that is computed. With ``label`` it returns (key, words) and ``label`` colours the keys; with
    ``header`` it returns [first line, second line, initials].
    """
    options = {"description": description, "ordering": ordering or None, "label": label, "header": header or None}
    return cast("Callable[[Function], Function]", display(**options))


def actor_of(request: HttpRequest) -> Actor:
    """The ledger's name for whoever sent the request; the admin lets nobody in who is not signed in."""
    user: Any = request.user
    return Actor("user", str(user.pk), user.name)


@contextmanager
def from_admin(request: HttpRequest) -> Iterator[None]:
    """Bind all ledger entries written inside to one action that came by the admin."""
    with action(source=SOURCE, address=request.META.get("REMOTE_ADDR", "")):
        yield


class AddressMixin:
    """An address typed without a scheme is meant to be fetched safely."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if isinstance(db_field, models.URLField):
            options.setdefault("assume_scheme", "https")
        return super().formfield_for_dbfield(db_field, request, **options)  # type: ignore[misc]  # unfold's admin is untyped


class LedgerMixin(AddressMixin):
    """Enters what is saved and deleted in the ledger.

    ``ledger_noun`` is the ledger's word for the model (its own name, unless said otherwise); ``ledger_secret`` names
    the fields whose values never enter it.
    """

    ledger_noun = ""
    ledger_secret: Sequence[str] = ()

    def changeform_view(self, request: HttpRequest, *args: Any, **options: Any) -> Any:
        with from_admin(request):
            return super().changeform_view(request, *args, **options)  # type: ignore[misc]  # beside a ModelAdmin

    def delete_view(self, request: HttpRequest, *args: Any, **options: Any) -> Any:
        with from_admin(request):
            return super().delete_view(request, *args, **options)  # type: ignore[misc]  # unfold's admin is untyped

    def changelist_view(self, request: HttpRequest, *args: Any, **options: Any) -> Any:
        with from_admin(request):
            return super().changelist_view(request, *args, **options)  # type: ignore[misc]  # unfold's admin is untyped

    def save_model(self, request: HttpRequest, obj: models.Model, form: Any, change: bool) -> None:
        noun = self.ledger_noun or obj._meta.model_name or ""
        with transaction.atomic():
            save_logged(obj, noun=noun, actor=actor_of(request), secret=self.ledger_secret)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Rows edited within another object's page."""
        with transaction.atomic():
            rows = formset.save(commit=False)
            for row in formset.deleted_objects:
                delete_logged(row, noun=row._meta.model_name, actor=actor_of(request))
            for row in rows:
                save_logged(row, noun=row._meta.model_name, actor=actor_of(request))
            formset.save_m2m()

    def delete_model(self, request: HttpRequest, obj: models.Model) -> None:
        noun = self.ledger_noun or obj._meta.model_name or ""
        with transaction.atomic():
            delete_logged(obj, noun=noun, actor=actor_of(request), secret=self.ledger_secret)

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        with transaction.atomic():
            for obj in queryset:
                self.delete_model(request, obj)


def save_logged(obj: models.Model, *, noun: str, actor: Actor, secret: Sequence[str] = ()) -> None:
    """Save a row and enter the difference to what is stored. Nothing differs: saved all the same, nothing entered."""
    stored = None if obj._state.adding else type(obj)._base_manager.filter(pk=obj.pk).first()
    before = facts(stored, secret) if stored is not None else {}
    obj.save()
    after = facts(obj, secret)
    hidden = [name for name in secret if stored is not None and getattr(stored, name) != getattr(obj, name)]
    changed = [name for name in after if name not in before or before[name] != after[name] or name in hidden]
    if stored is None or changed:
        _enter(
            obj,
            f"{noun}.change" if stored is not None else f"{noun}.create",
            noun,
            actor,
            before={name: before[name] for name in changed} if stored is not None else None,
            after={name: after[name] for name in changed},
        )


def delete_logged(obj: models.Model, *, noun: str, actor: Actor, secret: Sequence[str] = ()) -> None:
    """Delete a row; the entry keeps what it said and how many rows went with it."""
    before = facts(obj, secret)
    _enter(obj, f"{noun}.delete", noun, actor, before=before, after=None, data=_also_deleted(obj))
    obj.delete()


def _also_deleted(obj: models.Model) -> dict[str, Any] | None:
    collector = NestedObjects(using=obj._state.db or "default")
    collector.collect([obj])
    counts = Counter(
        str(model._meta.model_name) for model, rows in collector.data.items() for row in rows if row != obj
    )
    return {"with": dict(counts)} if counts else None


def facts(obj: models.Model, secret: Sequence[str] = ()) -> dict[str, Any]:
    """The stored fields of a row as JSON types; another object by the name people call it; secrets without their value."""
    found: dict[str, Any] = {}
    for field in obj._meta.concrete_fields:
        if not field.primary_key:
            found[field.name] = CHANGED if field.name in secret else _plain(obj, field)
    return found


def _plain(obj: models.Model, field: "models.Field[Any, Any]") -> Any:
    value = getattr(obj, field.name) if field.is_relation else field.value_from_object(obj)
    if value is None or isinstance(value, bool | int | float | str | dict | list):
        return value
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _enter(
    obj: models.Model,
    name: str,
    noun: str,
    actor: Actor,
    *,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    data: dict[str, Any] | None = None,
) -> None:
    entry_append(
        EntryValue(
            at=now(),
            action=name,
            object_type=noun,
            object_id=str(obj.pk),
            object_label=str(obj),
            subject=f"{noun}:{obj.pk}",
            actor=actor,
            source=SOURCE,
            before=before,
            after=after,
            data=data,
        )
    )


class _Indented(json.JSONEncoder):
    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "indent": 2})


class DefinitionField(forms.JSONField):
    """What a policy or schedule says, as JSON to edit. ``check`` raises DomainError for what says nothing usable."""

    def __init__(self, *, check: Callable[[Any], object], help_text: str | Promise) -> None:
        widget = UnfoldAdminTextareaWidget(attrs={"rows": 24, "spellcheck": "false"})
        widget.attrs["class"] += " wb-code"
        super().__init__(label=_("Definition"), required=False, widget=widget, help_text=help_text, encoder=_Indented)
        self._check = check

    def clean(self, value: Any) -> Any:
        definition = super().clean(value)
        if definition is not None:
            try:
                self._check(definition)
            except DomainError as error:
                raise forms.ValidationError(str(error)) from error
        return definition


class ReasonField(forms.CharField):
    """Why the next version differs; it stands beside that version."""

    def __init__(self) -> None:
        super().__init__(
            label=_("Reason"),
            required=False,
            max_length=200,
            widget=UnfoldAdminTextInputWidget,
            help_text=_("Why it changes."),
        )


class Admin(LedgerMixin, SimpleHistoryAdmin, ModelAdmin):  # type: ignore[misc]  # neither carries types
    """A model with a history: its page, its list, and every earlier state with what changed."""

    compressed_fields = True
    warn_unsaved_form = True
    list_filter_submit = True
    list_per_page = 50
    save_on_top = False

    def revert_disabled(self, request: HttpRequest, obj: Any = None) -> bool:
        """Earlier states are for reading: what depends on a row would not go back with it."""
        return True

    def history_form_view(self, request: HttpRequest, *args: Any, **options: Any) -> Any:
        """Hiding the button does not refuse what it would send."""
        if request.method == "POST":
            raise PermissionDenied
        return super().history_form_view(request, *args, **options)


class PlainAdmin(LedgerMixin, ModelAdmin):  # type: ignore[misc]  # unfold's admin is untyped
    """A model without a history table of its own; the ledger has its changes."""

    compressed_fields = True
    warn_unsaved_form = True
    list_filter_submit = True
    list_per_page = 50


class ReadOnlyMixin:
    """For what is written by the system and never by hand: everybody who may enter may look, nobody may change."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnlyMixin, PlainAdmin):
    """A list and pages to look at. Large tables are not counted beyond the filter in force."""

    show_full_result_count = False


class ReadOnlyTabular(ReadOnlyMixin, AddressMixin, TabularInline):  # type: ignore[misc]  # unfold's admin is untyped
    """Rows within another object's page, to look at."""

    extra = 0
    show_change_link = True
    tab = True


class Tabular(AddressMixin, TabularInline):  # type: ignore[misc]  # unfold's admin is untyped
    """Rows within another object's page, to edit."""

    extra = 0
    tab = True


def save_password_entry(request: HttpRequest, user: models.Model) -> None:
    """A password was set for somebody by an administrator: that it was, not what it is."""
    _enter(user, "user.change", "user", actor_of(request), before={"password": CHANGED}, after={"password": CHANGED})


def each(
    request: HttpRequest, rows: Sequence[Any], act: Callable[[Any, datetime], object], done: Callable[[int], str]
) -> None:
    """Do something to each chosen row through its service; tell what was done, and why not where it was refused."""
    at, count = now(), 0
    for row in rows:
        try:
            act(row, at)
            count += 1
        except DomainError as error:
            messages.error(request, f"{row}: {error.message}")
    if count:
        messages.success(request, done(count))

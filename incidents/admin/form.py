"""Categories and customers, to edit. Fields of the form, ways and guards have pages of their own, which check what rules rest on."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from escalation_site.admin_site.base import Admin, ReadOnlyAdmin, column
from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from incidents.admin.catalogue import stored
from incidents.models import Category, Customer, CustomField, Review, StageGuard, Transition
from incidents.services.categories import category_set, customer_set, tree_check


class CategoryForm(forms.ModelForm[Category]):
    def clean_parent(self) -> Category | None:
        """A circle is told beside the field; the service looks again, with the tree locked."""
        parent: Category | None = self.cleaned_data["parent"]
        if parent is not None:
            try:
                tree_check(self.instance, parent)
            except DomainError as error:
                raise ValidationError(error.message) from error
        return parent


@admin.register(Category)
class CategoryAdmin(Admin):
    """Retired and never deleted: old incidents keep theirs."""

    form = CategoryForm
    list_display = ("name", "slug", "parent", "position", "active")
    list_select_related = ("parent",)
    list_filter = ("active",)
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        actor: Any = request.user
        category_set(category=stored(obj, change), values=form.cleaned_data, actor=actor, at=now())


@admin.register(Customer)
class CustomerAdmin(Admin):
    """The tier of the contract decides the SLA targets."""

    list_display = ("name", "slug", "segment", "tier", "vip", "contract", "active")
    list_filter = ("segment", "tier", "vip", "active")
    search_fields = ("name", "slug", "contract")
    prepopulated_fields = {"slug": ("name",)}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        actor: Any = request.user
        customer_set(customer=stored(obj, change), values=form.cleaned_data, actor=actor, at=now())


@admin.register(CustomField)
class CustomFieldAdmin(ReadOnlyAdmin):
    list_display = ("label", "key", "kind", "group", "required", "position", "active")
    list_filter = ("kind", "group", "active")
    search_fields = ("label", "key")


@admin.register(Transition)
class TransitionAdmin(ReadOnlyAdmin):
    list_display = ("before", "after")
    list_select_related = ("before", "after")
    search_fields = ("before__name", "after__name")


@admin.register(StageGuard)
class StageGuardAdmin(ReadOnlyAdmin):
    list_display = ("stage", "kind", "severity")
    list_select_related = ("stage",)
    search_fields = ("stage__name",)


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin):
    list_display = ("reference", "author", "edited_at", "published_at")
    list_select_related = ("incident", "author")
    list_filter = ("published_at",)
    search_fields = ("=incident__id", "incident__title", "root_cause")

    @column(_("incident"))
    def reference(self, review: Review) -> str:
        return review.incident.reference

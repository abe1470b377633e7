"""Vendors, documents and plan templates over the API: to read. They are written by administrators and configuration as code."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from incidents.models import Document, PlanTemplate, Vendor
from incidents.selectors.documents import documents_found
from oncall.models import User


class VendorSerializer(serializers.ModelSerializer[Vendor]):
    services: Any = serializers.SlugRelatedField(slug_field="slug", many=True, read_only=True)

    class Meta:
        model = Vendor
        fields = (
            "slug", "name", "services", "email", "phone", "portal_url", "contract", "support_level", "response_minutes",
            "instructions", "active",
        )  # fmt: skip
        read_only_fields = fields


class DocumentSerializer(serializers.ModelSerializer[Document]):
    services: Any = serializers.SlugRelatedField(slug_field="slug", many=True, read_only=True)
    categories: Any = serializers.SlugRelatedField(slug_field="slug", many=True, read_only=True)

    class Meta:
        model = Document
        fields = ("slug", "title", "kind", "url", "text", "keywords", "services", "categories", "for_requesters")
        read_only_fields = fields


class PlanTemplateSerializer(serializers.ModelSerializer[PlanTemplate]):
    categories: Any = serializers.SlugRelatedField(slug_field="slug", many=True, read_only=True)

    class Meta:
        model = PlanTemplate
        fields = ("slug", "name", "description", "categories", "body", "active")
        read_only_fields = fields


class ForThoseWhoWork(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Any]):
    """What whoever files incidents has no need to know."""

    lookup_field = "slug"

    def initial(self, request: Request, *args: Any, **options: Any) -> None:
        super().initial(request, *args, **options)
        user: Any = request.user
        if user.role == User.Role.REPORTER:
            raise PermissionDenied


class VendorViewSet(ForThoseWhoWork):
    """Vendors with their contracts."""

    queryset = Vendor.objects.prefetch_related("services").order_by("name")
    serializer_class = VendorSerializer


class PlanTemplateViewSet(ForThoseWhoWork):
    """Plans to begin with."""

    queryset = PlanTemplate.objects.prefetch_related("categories").order_by("name")
    serializer_class = PlanTemplateSerializer


class DocumentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Document]):
    """Documents the caller may read."""

    queryset = Document.objects.none()
    serializer_class = DocumentSerializer
    lookup_field = "slug"

    def get_queryset(self) -> QuerySet[Document]:
        user: Any = self.request.user
        if getattr(self, "swagger_fake_view", False):
            return Document.objects.none()
        wanted = self.request.query_params
        return documents_found(
            user, wanted.get("q", ""), kind=wanted.get("kind", ""), service=wanted.get("service", "")
        )

    @extend_schema(
        parameters=[
            OpenApiParameter("q", str, description="Only those with all these words."),
            OpenApiParameter("kind", str, enum=Document.Kind.values),
            OpenApiParameter("service", str, description="Only those of the service with this slug."),
        ]
    )
    def list(self, request: Request, *args: Any, **options: Any) -> Response:
        return super().list(request, *args, **options)

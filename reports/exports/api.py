"""Exports over the API: what may be taken out, one's own files, what is sent regularly. The same rights and record as the pages."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse, Http404
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from escalation_site.kernel.errors import Conflict
from escalation_site.kernel.instants import now
from escalation_site.kernel.streams import streamed
from oncall.api.asking import asked
from oncall.models import User
from reports.exports.asking import query_kept
from reports.exports.making import TYPES, filename_of
from reports.exports.services import (
    export_enter,
    export_request,
    export_schedule_delete,
    export_schedule_set,
)
from reports.exports.sources import SOURCES, table_of
from reports.exports.text import csv_of, json_of
from reports.models.exports import ExportFile, ExportSchedule, Format

_QUERY = "The filters, as in the address of the page: period=28d&severity=1."
_STREAMED = (Format.CSV, Format.JSON)


class SourceSerializer(serializers.Serializer[Any]):
    """A list or report that the caller may take out."""

    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # DRF's own is on the instance
    about = serializers.CharField()


class NewExportSerializer(serializers.Serializer[Any]):
    """What to take out, by which filters, in which format."""

    # The service says what is wrong with it, in the same words as on the page.
    source = serializers.CharField(max_length=20, help_text="A key of exports/sources/.")  # type: ignore[assignment]  # DRF's own is on the instance
    query = serializers.CharField(max_length=4000, required=False, allow_blank=True, default="", help_text=_QUERY)
    format = serializers.ChoiceField(choices=Format.choices)


class TakeSerializer(NewExportSerializer):
    format = serializers.ChoiceField(choices=[(one.value, one.label) for one in _STREAMED])


class ExportFileSerializer(serializers.ModelSerializer[ExportFile]):
    """One file, kept for a week. ``content`` is where its bytes are; null until it is ready, and when it is gone."""

    content = serializers.SerializerMethodField()

    class Meta:
        model = ExportFile
        fields = (
            "id", "name", "source", "query", "format", "state", "asked_at", "ready_at", "rows", "size", "reason", "expires_at",
            "schedule", "content",
        )  # fmt: skip
        read_only_fields = fields

    def get_content(self, row: ExportFile) -> str | None:
        return f"/api/v1/exports/{row.pk}/content/" if row.state == ExportFile.State.READY else None


class ExportViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[ExportFile]):
    """Files made for the caller, and for nobody else."""

    queryset = ExportFile.objects.none()
    serializer_class = ExportFileSerializer
    lookup_value_regex = "[0-9]+"

    def get_queryset(self) -> QuerySet[ExportFile]:
        """The newest first."""
        if getattr(self, "swagger_fake_view", False):
            return ExportFile.objects.none()
        return ExportFile.objects.filter(owner=_reader(self.request))

    @extend_schema(request=NewExportSerializer, responses={202: ExportFileSerializer})
    def create(self, request: Request) -> Response:
        """Have a file made. It is ready when its state says so; the caller is told by message too."""
        given = asked(NewExportSerializer, request)
        row = export_request(user=_reader(request), at=now(), **given)
        return Response(ExportFileSerializer(row).data, status=202)

    @extend_schema(responses=SourceSerializer(many=True), filters=False)
    @action(detail=False, pagination_class=None)
    def sources(self, request: Request) -> Response:
        """What the caller may take out."""
        found = [one for one in SOURCES.values() if _reader(request).role in one.roles]
        return Response(SourceSerializer(found, many=True).data)

    @extend_schema(
        request=TakeSerializer,
        responses={(200, "text/csv"): OpenApiTypes.BINARY, (200, "application/json"): OpenApiTypes.BINARY},
    )
    @action(detail=False, methods=["post"])
    def take(self, request: Request) -> HttpResponseBase:
        """CSV or JSON at once, sent as it is read, however many rows."""
        user, at, given = _reader(request), now(), asked(TakeSerializer, request)
        source, query, format = given["source"], query_kept(given["query"]), given["format"]
        table = table_of(source, user=user, query=query, at=at, words=False)
        export_enter(user=user, source=source, query=query, format=format, table=table, at=at)
        pieces = csv_of(table) if format == Format.CSV else json_of(table)
        name = filename_of(table, format, at)
        return streamed(request._request, pieces, content_type=TYPES[Format(format)], filename=name)

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    @action(detail=True)
    def content(self, request: Request, pk: str) -> FileResponse:
        """The file itself. A 409 while it is being made or where that failed, a 404 once its week is over."""
        row = self.get_object()
        if row.state == ExportFile.State.GONE:
            raise Http404
        if row.state != ExportFile.State.READY or not row.file:
            raise Conflict(row.reason or _("It is not ready yet."))
        name = str(row.file.name).rsplit("/", 1)[1]
        kind = TYPES[Format(row.format)]
        answer = FileResponse(row.file.open("rb"), as_attachment=True, filename=name, content_type=kind)
        answer["Cache-Control"] = "no-store"
        return answer


class RegularExportSerializer(serializers.ModelSerializer[ExportSchedule]):
    """A list or report that is sent to the caller regularly; ``next_due_at`` is null while it is switched off."""

    next_due_at = serializers.SerializerMethodField()

    class Meta:
        model = ExportSchedule
        fields = (
            "id", "name", "source", "query", "format", "cadence", "weekday", "day", "send_at", "active", "next_due_at",
            "created_at",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_next_due_at(self, row: ExportSchedule) -> str | None:
        return serializers.DateTimeField().to_representation(row.next_due_at) if row.active else None


class RegularExportChangeSerializer(serializers.Serializer[Any]):
    """What is left out stays. ``weekday`` (0 is Monday) counts for weekly, ``day`` (31 is the last) for monthly."""

    name = serializers.CharField(max_length=80, required=False)
    source = serializers.CharField(max_length=20, required=False, help_text="A key of exports/sources/.")  # type: ignore[assignment]  # DRF's own is on the instance
    query = serializers.CharField(max_length=4000, required=False, allow_blank=True, help_text=_QUERY)
    format = serializers.ChoiceField(choices=Format.choices, required=False)
    cadence = serializers.ChoiceField(choices=ExportSchedule.Cadence.choices, required=False)
    weekday = serializers.IntegerField(min_value=0, max_value=6, required=False)
    day = serializers.IntegerField(min_value=1, max_value=31, required=False)
    send_at = serializers.TimeField(required=False, help_text="On the caller's own clock.")
    active = serializers.BooleanField(required=False)


class NewRegularExportSerializer(RegularExportChangeSerializer):
    name = serializers.CharField(max_length=80)
    source = serializers.CharField(max_length=20, help_text="A key of exports/sources/.")
    cadence = serializers.ChoiceField(choices=ExportSchedule.Cadence.choices)
    send_at = serializers.TimeField(help_text="On the caller's own clock.")


_KEPT = ("name", "source", "query", "format", "cadence", "weekday", "day", "send_at", "active")


class RegularExportViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[ExportSchedule]):
    """What is sent to the caller regularly."""

    queryset = ExportSchedule.objects.none()
    serializer_class = RegularExportSerializer
    lookup_value_regex = "[0-9]+"

    def get_queryset(self) -> QuerySet[ExportSchedule]:
        if getattr(self, "swagger_fake_view", False):
            return ExportSchedule.objects.none()
        return ExportSchedule.objects.filter(owner=_reader(self.request)).select_related("owner")

    @extend_schema(request=NewRegularExportSerializer, responses={201: RegularExportSerializer})
    def create(self, request: Request) -> Response:
        """Have a list or report sent regularly."""
        given = {"query": "", "format": Format.XLSX.value, **asked(NewRegularExportSerializer, request)}
        return _kept(request, None, given, status=201)

    @extend_schema(request=RegularExportChangeSerializer, responses={200: RegularExportSerializer})
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change what is sent, or when; what is left out stays."""
        row = self.get_object()
        before = {name: getattr(row, name) for name in _KEPT}
        return _kept(request, row, {**before, **asked(RegularExportChangeSerializer, request)})

    def destroy(self, request: Request, pk: str) -> Response:
        """Send it no more. What was made stays for its week."""
        export_schedule_delete(schedule=self.get_object(), actor=_reader(request), at=now())
        return Response(status=204)


def _kept(request: Request, row: ExportSchedule | None, given: Mapping[str, Any], *, status: int = 200) -> Response:
    saved = export_schedule_set(owner=_reader(request), schedule=row, at=now(), **given)
    return Response(RegularExportSerializer(saved).data, status=status)


def _reader(request: Request) -> User:
    user: Any = request.user
    found: User = user
    return found

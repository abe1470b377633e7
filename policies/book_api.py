"""The books of the house over the API: what is in force, every version, and publishing the next one."""

from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from escalation_site.api.permissions import Staff
from escalation_site.kernel.errors import DomainError, NotAllowed
from escalation_site.kernel.instants import now
from oncall.api.asking import asked
from oncall.api.serializers import PersonSerializer
from policies.book_pages.history import version_numbered, versions_compared
from policies.book_pages.permissions import may_edit_books
from policies.book_pages.shelf import BOOKS, Book
from policies.books import book_publish, book_read
from policies.models import BookVersion
from policies.reading import DefinitionInvalid


class BookSerializer(serializers.Serializer[Any]):
    """What a book says now. Version 0 is what Watchbell comes with: nobody has published one yet."""

    book = serializers.CharField()
    title = serializers.CharField()
    version = serializers.IntegerField()
    definition = serializers.JSONField()
    url = serializers.CharField()


class BookVersionSerializer(serializers.ModelSerializer[BookVersion]):
    """One immutable reading of a book."""

    author = PersonSerializer(read_only=True, allow_null=True)

    class Meta:
        model = BookVersion
        fields = ("number", "author", "reason", "created_at", "definition")
        read_only_fields = fields


class BookDifferenceSerializer(serializers.Serializer[Any]):
    """One thing that two versions say differently, in sentences; an empty side is nothing."""

    field = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()


class BookChangeSerializer(serializers.Serializer[Any]):
    """``base`` is the number of the version the change stems from: a newer one is a conflict."""

    definition = serializers.JSONField()
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    base = serializers.IntegerField(min_value=0, required=False, allow_null=True, default=None)


def _number(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.INT, description=description, required=True)


class BookViewSet(viewsets.GenericViewSet[BookVersion]):
    """Rules of the whole house: routing, severity criteria, priority matrix, SLA targets."""

    queryset = BookVersion.objects.none()
    serializer_class = BookSerializer
    permission_classes = (Staff,)
    lookup_field = "book"
    lookup_value_regex = "|".join(BOOKS)

    @extend_schema(responses=BookSerializer(many=True), filters=False)
    def list(self, request: Request) -> Response:
        """Every book as it is in force."""
        shown = [_shown(book) for book in BOOKS.values()]
        return self.get_paginated_response(BookSerializer(self.paginate_queryset(shown), many=True).data)

    @extend_schema(responses=BookSerializer)
    def retrieve(self, request: Request, book: str) -> Response:
        """What it says now."""
        return Response(BookSerializer(_shown(_book(book))).data)

    @extend_schema(request=BookChangeSerializer, responses=BookSerializer)
    def update(self, request: Request, book: str) -> Response:
        """Publish the next version. Managers. A definition that says what is in force makes none."""
        actor: Any = request.user
        if not may_edit_books(actor):
            raise NotAllowed(_("Only managers change the rules of the house."))
        found = _book(book)
        values = asked(BookChangeSerializer, request)
        _check(found, values["definition"])
        book_publish(
            shape=found.shape,
            definition=values["definition"],
            author=actor,
            at=now(),
            reason=values["reason"],
            base=values["base"],
        )
        return Response(BookSerializer(_shown(found)).data)

    @extend_schema(responses=BookVersionSerializer(many=True), filters=False)
    @action(detail=True)
    def versions(self, request: Request, book: str) -> Response:
        """What it says and has said, the newest first, with author and reason."""
        versions = BookVersion.objects.filter(book=_book(book).shape.book)
        page: Any = self.paginate_queryset(versions.select_related("author").order_by("-number"))
        return self.get_paginated_response(BookVersionSerializer(page, many=True).data)

    @extend_schema(responses=OpenApiTypes.OBJECT, filters=False)
    @action(detail=True, pagination_class=None, url_path="schema", url_name="schema")
    def form(self, request: Request, book: str) -> Response:
        """JSON Schema of its definition, for editors and other programs."""
        return Response(_book(book).schema())

    @extend_schema(
        responses=BookDifferenceSerializer(many=True),
        parameters=[_number("from", "the older version"), _number("to", "the newer version")],
        filters=False,
    )
    @action(detail=True, pagination_class=None)
    def diff(self, request: Request, book: str) -> Response:
        """What two versions say differently, in sentences of the caller's language. Version 0 is what Watchbell comes
        with."""
        found = _book(book)
        before, after = (_version(found, request, name) for name in ("from", "to"))
        return Response(BookDifferenceSerializer(versions_compared(found, before, after), many=True).data)


def _book(name: str) -> Book:
    if name not in BOOKS:
        raise Http404
    return BOOKS[name]


def _shown(book: Book) -> dict[str, Any]:
    reading = book_read(book.shape)
    return {
        "book": book.name,
        "title": str(book.title),
        "version": reading.number,
        "definition": book.shape.dump(reading.value),
        "url": book.read_url,
    }


def _check(book: Book, definition: object) -> None:
    """Raises ValidationError naming everything that is wrong with the definition, and what it names and what is gone."""
    try:
        problems = book.missing(book.shape.parse(definition))
    except DefinitionInvalid as error:
        problems = error.problems
    if problems:
        raise serializers.ValidationError({"definition": [str(problem) for problem in problems]})


def _version(book: Book, request: Request, name: str) -> BookVersion | None:
    """Raises DomainError for what is no number, Http404 for a version there is not."""
    text = request.query_params.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise DomainError(_("Name the number of a version."), field=name)
    return version_numbered(book, text)

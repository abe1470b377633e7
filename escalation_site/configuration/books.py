"""The books of the house in a configuration file: each section is the whole document, and has no entries by name."""

from collections.abc import Mapping
from typing import Any, ClassVar

from escalation_site.configuration.definitions import problems_placed, unknown_fields
from escalation_site.configuration.document import Item
from escalation_site.configuration.fields import Scope
from escalation_site.configuration.kind import Fields, Kind, Writing
from policies.book_pages.shelf import Book
from policies.books import book_publish, book_read
from policies.models import BookVersion
from policies.reading import DefinitionInvalid


class BookKind(Kind):
    """A book that the file says as a whole: what it leaves out is then not said any more. A change is a new version."""

    model = BookVersion
    single = True
    fields = ()

    book: ClassVar[Book]

    def schema(self) -> dict[str, Any]:
        return {name: value for name, value in self.book.schema().items() if name not in ("$schema", "title")}

    def properties(self) -> dict[str, Any]:
        found: dict[str, Any] = self.book.schema()["properties"]
        return found

    def names(self) -> set[str]:
        return set()

    def read(self, item: Item, scope: Scope, *, exists: bool) -> Fields:
        noted = unknown_fields(item, self.book.schema())
        try:
            value = self.book.shape.parse(item.data)
        except DefinitionInvalid as error:
            problems_placed(item, ((problem.keys, problem.message) for problem in error.problems), noted=noted)
            return {}
        if noted or not self.references_hold(item, value, scope):
            return {}
        return {"definition": self.book.shape.dump(value)}

    def references_hold(self, item: Item, value: Any, scope: Scope) -> bool:
        """Whether everything the book names exists; what does not is noted."""
        return True

    def current(self) -> dict[str, Fields]:
        return {"": {"definition": self.book.shape.dump(book_read(self.book.shape).value)}}

    def write(self, writing: Writing, name: str, wanted: Fields, changed: Mapping[str, Any]) -> BookVersion:
        return book_publish(
            shape=self.book.shape,
            definition=changed["definition"],
            author=writing.user,
            at=writing.at,
            reason=writing.reason,
        )

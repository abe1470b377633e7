"""What a browser would send for a page: the fields of its form, as they stand."""

from html.parser import HTMLParser


class _Reader(HTMLParser):
    def __init__(self, form_id: str) -> None:
        super().__init__()
        self.form_id, self.inside = form_id, False
        self.fields: dict[str, list[str]] = {}
        self._select: str | None = None
        self._first: str | None = None
        self._chosen = False
        self._area: str | None = None
        self._many = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.inside = given.get("id") == self.form_id
        if not self.inside:
            return
        name = given.get("name") or ""
        match tag:
            case "input" if name and given.get("type") in ("checkbox", "radio"):
                if "checked" in given:
                    self.fields.setdefault(name, []).append(given.get("value") or "on")
            case "input" if name:
                self.fields.setdefault(name, []).append(given.get("value") or "")
            case "textarea":
                self._area = name
                self.fields[name] = [""]
            case "select":
                self._select, self._first, self._chosen, self._many = name, None, False, "multiple" in given
            case "option" if self._select:
                value = given.get("value") or ""
                self._first = value if self._first is None else self._first
                if "selected" in given:
                    self.fields.setdefault(self._select, []).append(value)
                    self._chosen = True

    def handle_endtag(self, tag: str) -> None:
        match tag:
            case "form":
                self.inside = False
            case "textarea":
                self._area = None
            case "select":
                if self._select and not self._chosen and not self._many and self._first is not None:
                    self.fields[self._select] = [self._first]
                self._select = None

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self.fields[self._area][0] += data.lstrip("\n") if not self.fields[self._area][0] else data


def fields_sent(html: str, form_id: str) -> dict[str, list[str]]:
    """The fields of the form of that id with their values, as a browser sends them without a button."""
    reader = _Reader(form_id)
    reader.feed(html)
    return reader.fields

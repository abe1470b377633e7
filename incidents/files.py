"""What kind of file some bytes are, and which kinds may be attached. Names and what a browser claims are not believed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from pathlib import PurePosixPath

import filetype  # type: ignore[import-untyped]  # it carries no types
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

MAX_SIZE = 20 * 1024 * 1024
"""Bytes of one file."""
MAX_AT_ONCE = 10
MAX_TOTAL = 200 * 1024 * 1024
"""Bytes of all files of one incident, or of one draft."""
HEAD = 8_192
"""As many bytes tell the kind."""
MAX_NAME = 160

TEXT = "text/plain"
ALLOWED: Mapping[str, str | Promise] = {
    "image/png": _("Image"),
    "image/jpeg": _("Image"),
    "image/gif": _("Image"),
    "image/webp": _("Image"),
    "image/heic": _("Image"),
    "video/mp4": _("Recording"),
    "video/webm": _("Recording"),
    "video/quicktime": _("Recording"),
    "application/pdf": _("PDF"),
    "application/zip": _("Archive"),
    "application/gzip": _("Archive"),
    "application/x-7z-compressed": _("Archive"),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": _("Document"),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": _("Table"),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": _("Slides"),
    TEXT: _("Text"),
}
"""What may be attached, by its type, and how people call it."""
SHOWN = frozenset(("image/png", "image/jpeg", "image/gif", "image/webp"))
"""Pictures of dots, which run nothing: they may be shown in a page. Everything else is a download."""
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


def type_of(head: bytes) -> str:
    """The type of a file that begins with ``head``, "" where it is none that is known.

    Text is what can be read as text: a page or a script among it is text too, and is never given out as anything else.
    """
    found = filetype.guess(head) if head else None
    if found is not None and (found.mime in ALLOWED or not is_text(head)):
        return str(found.mime)
    # Two letters at its beginning make no picture of a log.
    return TEXT if is_text(head) else ""


def is_text(head: bytes) -> bool:
    """Whether it reads as text: UTF-8, UTF-16 with its mark, or Latin-1, and no control characters. An empty file is text."""
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return _reads(head[len(mark) :], encoding)
    return _reads(head, "utf-8") or (b"\x00" not in head and _reads(head, "latin-1", most=0.02))


def _reads(head: bytes, encoding: str, *, most: float = 0.0) -> bool:
    # The last character of a longer file may be cut in two.
    for cut in range(4 if len(head) >= HEAD - 3 else 1):
        try:
            text = head[: len(head) - cut].decode(encoding)
        except UnicodeDecodeError:
            continue
        strange = len(_CONTROLS.findall(text)) + sum(1 for char in text if "\x80" <= char <= "\x9f")
        return strange <= len(text) * most
    return False


def name_of(said: str) -> str:
    """A name that is safe to write anywhere: no folder, no control or direction marks; "file" where nothing is left."""
    base = PurePosixPath(said.replace("\\", "/")).name
    plain = "".join(char for char in unicodedata.normalize("NFC", base) if unicodedata.category(char)[0] != "C").strip()
    if plain in ("", ".", ".."):
        return "file"
    if len(plain) <= MAX_NAME:
        return plain
    stem, dot, end = plain.rpartition(".")
    return f"{stem[: MAX_NAME - len(end) - 1]}.{end}" if dot and len(end) < 20 else plain[:MAX_NAME]


def kind_words(content_type: str) -> str:
    """What people call a file of that type."""
    return str(ALLOWED.get(content_type, content_type))

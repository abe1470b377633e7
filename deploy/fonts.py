"""Make the fonts that printed documents are set in, from the pinned npm package of Inter.

    npm pack inter-ui@4.1.1 && python deploy/fonts.py inter-ui-4.1.1.tgz

The result (escalation_site/documents/fonts/) is committed, so that nobody needs npm. A PDF needs its letters as plain
TrueType: the web fonts in static/fonts are compressed and variable, and hold the Latin letters of the West alone.
"""

import hashlib
import io
import sys
import tarfile
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

TARGET = Path(__file__).resolve().parent.parent / "escalation_site" / "documents" / "fonts"
PACKAGE_SHA256 = "e392e4d71f18a7c1f23dfecd833d68fa05eeab41862686584e80fd2b5d87e9c0"
FACES = {"Inter-Regular": "package/web/Inter-Regular.woff2", "Inter-SemiBold": "package/web/Inter-SemiBold.woff2"}
LICENCE = "package/LICENSE.txt"
# Latin with every accent, Greek, Cyrillic, punctuation, currencies, arrows, signs of mathematics, boxes and ticks.
RANGES = (
    (0x20, 0x7E), (0xA0, 0x24F), (0x2B0, 0x36F), (0x370, 0x3FF), (0x400, 0x52F), (0x1E00, 0x1EFF), (0x2010, 0x205F),
    (0x2070, 0x209F), (0x20A0, 0x20BF), (0x2100, 0x214F), (0x2190, 0x21FF), (0x2200, 0x22FF), (0x25A0, 0x25FF),
    (0x2713, 0x2717), (0xFFFD, 0xFFFD),
)  # fmt: skip
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def subset(woff2: bytes) -> bytes:
    font = TTFont(io.BytesIO(woff2), recalcTimestamp=False)
    glyphs = set(font.getGlyphOrder())
    # What writes the PDF shapes no text, so that it could not be asked for figures of one width: they stand in for the others.
    for table in font["cmap"].tables:
        for place, name in enumerate(DIGITS):
            if 0x30 + place in table.cmap and f"{name}.tf" in glyphs:
                table.cmap[0x30 + place] = f"{name}.tf"
    options = Options(layout_features=[], hinting=False, name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14], notdef_outline=True)
    options.flavor = None
    worker = Subsetter(options)
    worker.populate(unicodes=[code for first, last in RANGES for code in range(first, last + 1)])
    worker.subset(font)
    font.flavor = None
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    package = Path(arguments[0]).read_bytes()
    found = hashlib.sha256(package).hexdigest()
    if found != PACKAGE_SHA256:
        sys.stderr.write(f"{arguments[0]} is not the pinned package: its SHA-256 is {found}\n")
        return 1
    TARGET.mkdir(parents=True, exist_ok=True)
    sums = []
    with tarfile.open(fileobj=io.BytesIO(package), mode="r:gz") as archive:
        for name, source in {**FACES, "LICENSE": LICENCE}.items():
            member = archive.extractfile(source)
            if member is None:
                raise LookupError(source)
            content, ending = member.read(), ".txt"
            if name in FACES:
                content, ending = subset(content), ".ttf"
                sums.append(f"{hashlib.sha256(content).hexdigest()}  {name}{ending}\n")
            (TARGET / f"{name}{ending}").write_bytes(content)
    (TARGET / "SHA256SUMS").write_text("".join(sums), encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

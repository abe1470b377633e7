"""Check that every text of the product is translated into every language, and that the compiled catalogues are current.

Collects the texts again (as `make messages` does), compares them with what is committed, and puts the files back as
they were.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "locale"
LANGUAGES = ("it", "nl")
DOMAINS = ("django", "djangojs")


def collect() -> None:
    """Write the texts found in the code into the catalogues, as `make messages` does."""
    ignored = [f"--ignore={name}" for name in (".venv", "build", "data", "static/vendor", "node_modules", "tests")]
    languages = [f"--locale={language}" for language in LANGUAGES]
    for domain in DOMAINS:
        subprocess.run(
            [
                sys.executable,
                "manage.py",
                "makemessages",
                "--no-obsolete",
                "--no-location",
                "--domain",
                domain,
                *languages,
                *ignored,
            ],
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
        )


def catalogues() -> dict[str, polib.POFile]:
    """Path below locale/ → catalogue."""
    return {str(path.relative_to(LOCALE)): polib.pofile(str(path)) for path in sorted(LOCALE.rglob("*.po"))}


def texts(catalogue: polib.POFile | None) -> set[tuple[str, str]]:
    return {(entry.msgctxt or "", entry.msgid) for entry in catalogue or []}


def faults_of(name: str, committed: polib.POFile | None, collected: polib.POFile) -> list[str]:
    """What is wrong with one committed catalogue, given the one just collected."""
    faults = [
        f"{name}: not collected (make messages): {text!r}" for _, text in sorted(texts(collected) - texts(committed))
    ]
    for entry in committed or []:
        if entry.fuzzy or not entry.translated():
            faults.append(f"{name}: {'fuzzy' if entry.fuzzy else 'not translated'}: {entry.msgid!r}")
    compiled = LOCALE / name.replace(".po", ".mo")
    if committed is not None and (not compiled.exists() or not _is_current(committed, compiled)):
        faults.append(f"{name}: not compiled since it changed (make messages)")
    return faults


def _is_current(committed: polib.POFile, compiled: Path) -> bool:
    def meaning(catalogue: polib.POFile | polib.MOFile) -> set[tuple[str, str, str, str]]:
        return {
            (entry.msgctxt or "", entry.msgid, entry.msgstr, str(sorted(entry.msgstr_plural.items())))
            for entry in catalogue
            if entry.msgstr or any(entry.msgstr_plural.values())
        }

    return meaning(committed) == meaning(polib.mofile(str(compiled)))


def main() -> int:
    committed = catalogues()
    with tempfile.TemporaryDirectory() as kept:
        copy = Path(kept) / "locale"
        shutil.copytree(LOCALE, copy)
        try:
            collect()
            collected = catalogues()
        finally:
            shutil.rmtree(LOCALE)
            shutil.copytree(copy, LOCALE)
    faults = [
        fault for name, catalogue in collected.items() for fault in faults_of(name, committed.get(name), catalogue)
    ]
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

"""The file: a ZIP of manifest.json and the payload, which other tools can open where Watchbell does not run.

It appears under its name only when it is complete and on disk, and nobody but its owner may read it.
"""

import contextlib
import hashlib
import os
import secrets
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from escalation_site.backup.values import BackupError, Manifest, manifest_read

MANIFEST = "manifest.json"
FILES = "files/"
CHUNK = 1 << 20
_OWNER_ONLY = 0o600


class Counted:
    """A sink that counts and digests what passes to ``target``."""

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, chunk: bytes) -> int:
        self._digest.update(chunk)
        self.size += len(chunk)
        return self._target.write(chunk)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


def beside(path: Path, what: str) -> Path:
    """A new, empty file in the folder of ``path`` that only its owner may read."""
    made = path.with_name(f".{path.name}.{secrets.token_hex(4)}.{what}")
    os.close(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY))
    return made


@contextlib.contextmanager
def temporary(path: Path, what: str) -> Iterator[Path]:
    """`beside`, gone at the end."""
    made = beside(path, what)
    try:
        yield made
    finally:
        for left in (made, *(made.with_name(made.name + suffix) for suffix in ("-wal", "-shm", "-journal"))):
            left.unlink(missing_ok=True)


def archive_write(
    path: Path,
    *,
    member: str,
    compress: bool,
    overwrite: bool,
    fill: Callable[[Counted], Callable[[str, int], Manifest]],
    files: Path,
) -> Manifest:
    """Write the archive ``path``; returns its manifest. The files of the folder ``files`` go in after the payload: rows name
    only files that were there before them.

    ``fill`` writes the payload and returns what makes the manifest out of the payload's SHA-256 and size. Raises
    BackupError where the file exists and may not be overwritten; OSError as writing does. Nothing is left then.
    """
    _refuse_existing(path, overwrite)
    with temporary(path, "part") as part:
        with zipfile.ZipFile(part, "w", allowZip64=True) as archive:
            info = zipfile.ZipInfo(member)
            info.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
            info.external_attr = _OWNER_ONLY << 16
            with archive.open(info, "w", force_zip64=True) as payload:
                counted = Counted(payload)
                finish = fill(counted)
            for file in sorted(each for each in files.rglob("*") if each.is_file()):
                # One that is removed meanwhile is one that no row of the payload's successors names.
                with contextlib.suppress(FileNotFoundError):
                    archive.write(file, FILES + file.relative_to(files).as_posix())
            manifest = finish(counted.sha256, counted.size)
            archive.writestr(MANIFEST, manifest.text())
        _sync(part)
        _refuse_existing(path, overwrite)
        part.replace(path)
        _sync(path.parent)
    return manifest


def _refuse_existing(path: Path, overwrite: bool) -> None:
    if path.exists() and not (overwrite and path.is_file()):
        raise BackupError(f"{path} exists already; another name, or --overwrite.")


def _sync(path: Path) -> None:
    """Have it on disk: a backup that a power cut takes away is none."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def manifest_of(path: Path) -> Manifest:
    """What the backup ``path`` says of itself. Raises BackupError."""
    with _opened(path) as archive:
        try:
            return manifest_read(archive.read(MANIFEST))
        except KeyError:
            raise BackupError(f"{path} has no manifest: it is no backup of Watchbell.") from None
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise BackupError(f"{path} is damaged: {error}.") from None


def payload_extract(path: Path, target: Path | None, *, manifest: Manifest, member: str) -> None:
    """Write the payload to ``target``, None only reads it. Raises BackupError unless it is, to the byte, what was put
    in."""
    with _opened(path) as archive, contextlib.ExitStack() as stack:
        try:
            source = stack.enter_context(archive.open(member))
        except KeyError:
            raise BackupError(f"{path} holds no {member}.") from None
        sink = Counted(stack.enter_context((target or Path(os.devnull)).open("wb")))
        try:
            shutil.copyfileobj(source, sink, CHUNK)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise BackupError(f"{path} is damaged: {error}.") from None
    if (sink.sha256, sink.size) != (manifest.sha256, manifest.size):
        raise BackupError(f"{path} is damaged: its content is not what its manifest says.")


def files_extract(path: Path, folder: Path) -> int:
    """Put the files of the backup ``path`` back into ``folder``; returns how many were not there. None is overwritten: their
    names are made of their contents. Raises BackupError for a damaged archive or a name that leads elsewhere."""
    added = 0
    root = folder.resolve()
    with _opened(path) as archive:
        for info in archive.infolist():
            if not info.filename.startswith(FILES) or info.is_dir():
                continue
            target = (root / info.filename.removeprefix(FILES)).resolve()
            if not target.is_relative_to(root):
                raise BackupError(f"{path} holds {info.filename}, which leads elsewhere.")
            if target.exists():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with temporary(target, "part") as part:
                try:
                    with archive.open(info) as source, part.open("wb") as sink:
                        shutil.copyfileobj(source, sink, CHUNK)
                except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                    raise BackupError(f"{path} is damaged: {error}.") from None
                part.replace(target)
            added += 1
    return added


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise BackupError(f"There is no file {path}.") from None
    except (zipfile.BadZipFile, IsADirectoryError):
        raise BackupError(f"{path} is no backup of Watchbell, or it is damaged.") from None
    with archive:
        yield archive

"""One supervisor per DATA_DIR: the file is locked by the operating system, so that a crash never leaves it locked."""

import contextlib
import fcntl
import json
import os
from pathlib import Path
from typing import IO


class AlreadyRunning(Exception):
    """Another supervisor holds the lock; ``pid`` is its process, 0 when unknown."""

    def __init__(self, pid: int) -> None:
        super().__init__(pid)
        self.pid = pid


class SingleStart:
    """Holds DATA_DIR/up.lock while it is open. The file tells who holds it and which mark the children carry."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "up.lock"
        self._file: IO[str] | None = None

    def acquire(self, mark: str) -> str:
        """Take the lock and write ``mark`` into it; returns the mark of the supervisor before ("" if none).

        Raises `AlreadyRunning`.
        """
        file = self._path.open("a+", encoding="utf-8")
        file.seek(0)
        before = self._parse(file.read())
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            pid = before.get("pid")
            raise AlreadyRunning(pid if isinstance(pid, int) else 0) from None
        file.truncate(0)
        json.dump({"pid": os.getpid(), "mark": mark}, file)
        file.flush()
        self._file = file
        return str(before.get("mark", ""))

    def release(self) -> None:
        """Give the lock back. The file stays: removing it would let two starters lock two different files."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.truncate(0)
            self._file.close()
            self._file = None

    @staticmethod
    def _parse(text: str) -> dict[str, object]:
        try:
            content = json.loads(text or "{}")
        except ValueError:
            return {}
        return content if isinstance(content, dict) else {}

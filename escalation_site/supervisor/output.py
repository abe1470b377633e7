"""Brings the lines of several processes into one stream, each with the name of the process it comes from."""

import json
import sys
import threading
from typing import IO, Any

from escalation_site.kernel.instants import now

_COLOURS = {"up": "35", "web": "36", "engine": "33", "cluster": "32"}
_WIDTH = 8


class Output:
    """Writes whole lines, one at a time. As JSON, a line that is no JSON object becomes the ``event`` of one."""

    def __init__(self, *, as_json: bool, stream: IO[str] | None = None) -> None:
        self._stream = stream or sys.stdout
        self._as_json = as_json
        self._coloured = not as_json and self._stream.isatty()
        self._lock = threading.Lock()

    def line(self, name: str, text: str) -> None:
        """Write one line of the process ``name``."""
        self._write(self._json(name, text) if self._as_json else f"{self._prefix(name)} {text}")

    def say(self, text: str) -> None:
        """Write one line of the supervisor itself."""
        self.line("up", text)

    def follow(self, name: str, pipe: IO[bytes]) -> threading.Thread:
        """Forward every line of ``pipe`` until it ends. Its reader must never stop, or the process would block on
        writing."""
        thread = threading.Thread(target=self._forward, args=(name, pipe), name=f"output-{name}", daemon=True)
        thread.start()
        return thread

    def _forward(self, name: str, pipe: IO[bytes]) -> None:
        with pipe:
            for raw in pipe:
                self.line(name, raw.decode("utf-8", "replace").rstrip("\r\n"))

    def _prefix(self, name: str) -> str:
        padded = f"{name:<{_WIDTH}}|"
        return f"\x1b[{_COLOURS.get(name, '37')}m{padded}\x1b[0m" if self._coloured else padded

    @staticmethod
    def _json(name: str, text: str) -> str:
        if text.startswith("{"):
            return text
        event: dict[str, Any] = {"at": now().isoformat(), "process": name, "level": "info", "event": text}
        return json.dumps(event, ensure_ascii=False)

    def _write(self, text: str) -> None:
        with self._lock:
            try:
                self._stream.write(text + "\n")
                self._stream.flush()
            except (OSError, ValueError):
                # Nobody reads any more (a closed terminal or pipe); the processes go on.
                return

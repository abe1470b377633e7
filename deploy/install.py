"""Make .venv and install the locked dependencies, unless that is done already. Needs Python 3.11 or newer and nothing
else.

    python deploy/install.py base|dev

The stamp .venv/.installed-<lock> holds the hash of the lock that was installed: a second start does not ask pip at all.
"""

import hashlib
import os
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
LEAST = (3, 11)
# dev holds everything of base at the same versions.
SATISFIED_BY = {"base": ("base", "dev"), "dev": ("dev",)}


def lock_hash(name: str) -> str:
    return hashlib.sha256((ROOT / "requirements" / f"{name}.txt").read_bytes()).hexdigest()


def stamp(name: str) -> Path:
    return VENV / f".installed-{name}"


def is_installed(name: str) -> bool:
    """Whether .venv works and holds what the lock ``name`` says now."""
    if not PYTHON.exists():
        return False
    return any(
        stamp(other).exists() and stamp(other).read_text(encoding="ascii").strip() == lock_hash(other)
        for other in SATISFIED_BY[name]
    )


def install(name: str) -> None:
    """Install the lock ``name`` with its hashes checked; pip shows its progress."""
    began = time.monotonic()
    if not PYTHON.exists():
        print(f"Making the environment in {VENV.name}/ with Python {sys.version.split()[0]} …", flush=True)
        try:
            venv.create(VENV, with_pip=True, clear=VENV.exists())
        except subprocess.CalledProcessError:
            # Debian and Ubuntu ship Python without ensurepip.
            raise SystemExit(
                "Python cannot make environments here; on Debian and Ubuntu: apt install python3-venv"
            ) from None
    count = sum(
        1 for line in (ROOT / "requirements" / f"{name}.txt").open(encoding="utf-8") if "==" in line.split(" ")[0]
    )
    print(
        f"Installing {count} pinned packages (requirements/{name}.txt); the first time takes a minute or two …",
        flush=True,
    )
    for old in VENV.glob(".installed-*"):
        old.unlink()
    # A machine that only tests uses a part of what is installed, once: it compiles what it imports.
    compiling = ["--no-compile"] if os.environ.get("CI", "").lower() == "true" else []
    # --no-deps: the lock is complete, so nothing is left to resolve.
    subprocess.run(
        [
            PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-deps", *compiling,
            "--require-hashes", "-r", ROOT / "requirements" / f"{name}.txt",
        ],
        check=True,
    )  # fmt: skip
    stamp(name).write_text(lock_hash(name) + "\n", encoding="ascii")
    print(f"Installed in {time.monotonic() - began:.0f} s.", flush=True)


def main(arguments: list[str]) -> int:
    if sys.version_info < LEAST:
        print(f"Python {LEAST[0]}.{LEAST[1]} or newer is needed; this is {sys.version.split()[0]}.", file=sys.stderr)
        return 2
    if len(arguments) != 1 or arguments[0] not in SATISFIED_BY:
        print("usage: python deploy/install.py base|dev", file=sys.stderr)
        return 2
    name = arguments[0]
    if is_installed(name):
        return 0
    try:
        install(name)
    except subprocess.CalledProcessError as error:
        print(f"The installation failed (exit code {error.returncode}); pip's lines above say why.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

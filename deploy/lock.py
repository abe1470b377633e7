"""`make lock`: resolve requirements/*.in into requirements/*.txt with hashes, and with no address of where they came
from."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_ADDRESS = re.compile(r"https?://|^--(extra-)?index-url|^--find-links", re.MULTILINE)


def compile_lock(name: str, *options: str) -> None:
    """Write requirements/NAME.txt; ends the program if an address of an index would be in it."""
    target = ROOT / "requirements" / f"{name}.txt"
    command = [
        sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11",
        "--generate-hashes", "--no-emit-index-url", "--no-header", *options,
        f"requirements/{name}.in", "--output-file", str(target.relative_to(ROOT)),
    ]  # fmt: skip
    subprocess.run(command, cwd=ROOT, check=True)
    if found := _ADDRESS.search(target.read_text(encoding="utf-8")):
        raise SystemExit(f"requirements/{name}.txt holds an address ({found.group()}); it must not be committed")
    print(f"wrote requirements/{name}.txt")


if __name__ == "__main__":
    compile_lock("base")
    # The same versions as base, so that an environment for tests also satisfies running.
    compile_lock("dev", "--constraint", "requirements/base.txt")

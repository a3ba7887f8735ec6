"""Set up Tizhen in `.venv` beside this file when needed, then run one of its commands.

    python run.py compare headline_package      the main job: any `tizhen` command goes here
    python run.py test                          the tests; further words go to pytest

Needs nothing but Python 3.11 or newer with pip. The same line works in bash, cmd and PowerShell.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

OLDEST_PYTHON = (3, 11)
ROOT = Path(__file__).resolve().parent
# pytest alone leaves the slow tests out and uses one core.
ALL_TESTS = ("-m", "slow or not slow", "-n", "auto", "--dist", "worksteal")
ENVIRONMENT = ROOT / ".venv"
PROGRAMS = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
SUFFIX = ".exe" if os.name == "nt" else ""
PYTHON = PROGRAMS / f"python{SUFFIX}"
STAMP = ENVIRONMENT / "installed.txt"


def say(message: str) -> None:
    """Tell the user on stderr: stdout belongs to the command's result."""
    print(message, file=sys.stderr, flush=True)


def fingerprint() -> str:
    """Digest of what decides the environment: interpreter, place, requirements and pins."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {ROOT}".encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def create_environment() -> list[str]:
    """Make a fresh `.venv` and return the pip command that installs into it."""
    try:
        venv.create(ENVIRONMENT, clear=True, with_pip=True)
    except subprocess.CalledProcessError:
        # Debian and Ubuntu split ensurepip off: use the pip of the interpreter we run under.
        venv.create(ENVIRONMENT, clear=True, with_pip=False)
        return [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    return [str(PYTHON), "-m", "pip"]


def set_up() -> int:
    """Install the pinned versions unless they are there already; return pip's exit code."""
    wanted = fingerprint()
    if STAMP.exists() and STAMP.read_text(encoding="ascii") == wanted:
        return 0
    say("First run: installing Tizhen into .venv (a few minutes) / 首次运行：正在安装，请稍候")
    install = ["install", "--quiet", "--disable-pip-version-check"]
    target = ["--constraint", "constraints.txt", "--editable", ".[dev]"]
    code = subprocess.call([*create_environment(), *install, *target], cwd=ROOT, stdout=sys.stderr)
    if code == 0:
        STAMP.write_text(wanted, encoding="ascii")
    return code


def command(words: list[str]) -> list[str]:
    """Return the program to start for the words typed after `run.py`."""
    if words[:1] == ["test"]:
        start = [str(PYTHON), "-m", "pytest", "--rootdir", str(ROOT)]
        return [*start, *(words[1:] or [*ALL_TESTS, str(ROOT / "tests")])]
    return [str(PROGRAMS / f"tizhen{SUFFIX}"), *words]


def main() -> int:
    """Set up, run the command, and pass its exit code on."""
    if sys.version_info < OLDEST_PYTHON:
        say(f"Tizhen needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
        return 1
    if code := set_up():
        say("The installation failed; see pip's message above.")
        return code
    try:
        return subprocess.call(
            command(sys.argv[1:] or ["--help"]), env={**os.environ, "PYTHONUTF8": "1"}
        )
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())

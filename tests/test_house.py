"""Rules of the house that no linter knows: who imports whom, what may be tracked, lengths."""

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = (
    "model",
    "calibration",
    "experiments",
    "briefing",
    "app",
)  # each may import those before it
LONGEST_FILE = 500
LONGEST_FUNCTION = 100
LARGEST_FILE_BYTES = 5_000_000
BINARY = {".otf", ".png", ".parquet", ".npz", ".npy", ".pdf", ".xlsx", ".docx"}
# Spelt in pieces, so that this file keeps the rule it states.
REGISTRIES = re.compile(
    "|".join(("pypi" + r"\.(org|python)", "python" + "hosted", "npm" + "js", r"deb\." + "debian",
              "mirrors" + r"\.\w+", "conda" + r"\.anaconda", "crates" + r"\.io", "index" + "-url"))
)  # fmt: skip
MACHINE_PATH = re.compile(
    r"(?<![\w.~/\-])/(?:home|root|work|Users|tmp|var|mnt|opt|data)/\w|\b[A-Z]:\\\\?(?:Users|Windows|Program|Temp)"
)
NOT_OURS = {"briefing/fonts/OFL.txt"}


def tracked() -> list[Path]:
    """Files of the project: git's list where there is a repository, else everything visible."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
        paths = [ROOT / name for name in names.decode().split("\0") if name]
    else:
        hidden = {".venv", ".git", "__pycache__", "results", "dist", "build"}
        paths = [p for p in ROOT.rglob("*") if not hidden & set(p.relative_to(ROOT).parts)]
    return sorted(path for path in paths if path.is_file())


def python_files(room: str = "") -> list[Path]:
    return [p for p in tracked() if p.suffix == ".py" and (ROOT / room) in p.parents]


def text_files() -> Iterator[tuple[Path, str]]:
    for path in tracked():
        if path.suffix not in BINARY and path.relative_to(ROOT).as_posix() not in NOT_OURS:
            yield path, path.read_text(encoding="utf-8")


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def forbidden_imports(room: str, tree: ast.AST) -> list[tuple[int, str]]:
    later = set(ROOMS[ROOMS.index(room) + 1 :])
    return [(line, name) for line, name in imports(tree) if name.split(".")[0] in later]


def random_sources(tree: ast.AST) -> list[int]:
    """Lines that use the standard library's or NumPy's random generators."""
    lines = [n for n, name in imports(tree) if re.match(r"(numpy\.)?(random|secrets)\b", name)]
    for node in ast.walk(tree):
        is_attribute = isinstance(node, ast.Attribute) and node.attr == "random"
        if is_attribute and isinstance(node.value, ast.Name) and node.value.id in {"np", "numpy"}:
            lines.append(node.lineno)
    return lines


def long_functions(tree: ast.AST) -> list[tuple[str, int]]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                found.append((node.name, length))
    return found


def where(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("room", ROOMS)
def test_imports_flow_one_way(room: str) -> None:
    bad = [
        f"{where(path)}:{line} imports {name}"
        for path in python_files(room)
        for line, name in forbidden_imports(room, ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert bad == []


def test_model_draws_only_from_its_streams() -> None:
    bad = [
        f"{where(path)}:{line}"
        for path in python_files("model")
        for line in random_sources(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert bad == []


def test_no_long_files() -> None:
    lengths = {where(p): len(p.read_text(encoding="utf-8").splitlines()) for p in python_files()}
    assert {name: n for name, n in lengths.items() if n >= LONGEST_FILE} == {}


def test_no_long_functions() -> None:
    bad = {
        f"{where(path)}:{name}": length
        for path in python_files()
        for name, length in long_functions(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert bad == {}


@pytest.mark.parametrize("pattern", [REGISTRIES, MACHINE_PATH], ids=["host", "path"])
def test_tracked_text_names_no_registry_and_no_machine(pattern: re.Pattern[str]) -> None:
    bad = [
        f"{where(path)}:{number} {match.group(0)}"
        for path, text in text_files()
        for number, line in enumerate(text.splitlines(), 1)
        if (match := pattern.search(line))
    ]
    assert bad == []


def test_no_large_files() -> None:
    bad = [where(p) for p in tracked() if p.stat().st_size > LARGEST_FILE_BYTES]
    assert bad == []


def test_nothing_of_a_run_is_tracked() -> None:
    assert [where(p) for p in tracked() if (ROOT / "results") in p.parents] == ["results/README.md"]


# The rules themselves have to be able to fail.


def test_rule_sees_an_import_against_the_flow() -> None:
    tree = ast.parse("from briefing.charts import path\nimport model.ledger\n")
    assert {name for _, name in forbidden_imports("experiments", tree)} == {
        "briefing.charts",
        "briefing.charts.path",
    }


@pytest.mark.parametrize(
    "source",
    ["import random", "from random import choice", "import numpy.random as r",
     "from numpy import random", "import numpy as np\nx = np.random.default_rng(1)"],
)  # fmt: skip
def test_rule_sees_random_numbers(source: str) -> None:
    assert random_sources(ast.parse(source))


def test_rule_leaves_counter_streams_alone() -> None:
    assert (
        random_sources(ast.parse("from model.streams import uniform\nself.random_stream = 1")) == []
    )


def test_rule_sees_a_long_function() -> None:
    body = "\n".join("    x = 1" for _ in range(LONGEST_FUNCTION))
    assert long_functions(ast.parse(f"def f():\n{body}\n")) == [("f", LONGEST_FUNCTION + 1)]


@pytest.mark.parametrize(
    "text",
    ["see /ho" + "me/someone/x", '"C:' + '\\\\Users"', "cd /wo" + "rk/main", "in /t" + "mp/a"],
)
def test_rule_sees_machine_paths(text: str) -> None:
    assert MACHINE_PATH.search(text)


@pytest.mark.parametrize(
    "text", ["https://keepachangelog.com/en/1.1.0/", "persons/month", "model/data/x"]
)
def test_rule_leaves_other_slashes_alone(text: str) -> None:
    assert not MACHINE_PATH.search(text)


def test_rule_sees_registries() -> None:
    assert REGISTRIES.search("https://files.python" + "hosted.org/x")
    assert not REGISTRIES.search("pip install -c constraints.txt")

"""The documentation says what is true: generated parts, names, commands, links, examples."""

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import typer

from app.cli import build
from experiments.sweep_plan import load_plan
from model.parameters import load_parameters
from model.policy import settings_people
from model.policy.catalogue import load_catalogue
from model.policy.instruments import Instruments
from model.policy.settings import LEVERS
from model.scenario import load_scenario
from model.scenario_schema import setting_names

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
CODE = re.compile(r"```(?P<kind>\w*)\n(?P<block>.*?)```|`(?P<span>[^`\n]+)`", re.DOTALL)
GROUPS = {name.partition(".")[0] for name in load_parameters()}
DOTTED = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")
OUR_COMMAND = re.compile(r"^(?:python run\.py|tizhen) (\S+)(.*)$")
OWN_WORDS = {"test"}  # of run.py
SOURCE = re.compile(r"[\w.-]+(/[\w.*-]+)+/?")
ROOMS = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
LARGEST_PICTURE = 300_000


def page_id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def code_of(text: str) -> Iterator[tuple[str, str]]:
    """(kind, text) of every code span ("") and fenced block ("yaml", "block" if unnamed)."""
    for found in CODE.finditer(text):
        if found["span"] is not None:
            yield "", found["span"]
        else:
            yield found["kind"] or "block", found["block"]


def code_lines(text: str) -> Iterator[str]:
    for kind, block in code_of(text):
        if kind in ("", "block"):
            yield from block.splitlines()


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


# --- what must hold ---------------------------------------------------------------------------


def test_generated_parts_are_up_to_date(generate: ModuleType) -> None:
    for name in generate.PAGES:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert generate.rewritten(text) == text, f"{name}: run python docs/generate.py"


def test_every_part_is_used_and_every_marker_known(generate: ModuleType) -> None:
    used = {
        found["name"].partition(".")[0]
        for name in generate.PAGES
        for found in generate.PART.finditer((ROOT / name).read_text(encoding="utf-8"))
    }
    assert used == set(generate.PARTS)


def test_every_parameter_group_is_described(generate: ModuleType) -> None:
    assert set(generate.GROUPS) == GROUPS


def unknown_names(text: str) -> list[str]:
    """Dotted names of parameters or settings in code that do not exist."""
    known = {*load_parameters(), *setting_names()}
    heads = {name.rpartition(".")[0] for name in known}
    lines = [line.strip() for line in code_lines(text)]
    named = {word for line in lines if OUR_COMMAND.match(line) for word in line.split()[1:]}
    written = {word for word in named.union(lines) if DOTTED.fullmatch(word)}
    ours = {w for w in written if w.partition(".")[0] in GROUPS | set(LEVERS)}
    return sorted(w for w in ours if w not in known | heads and not w.endswith((".yaml", ".py")))


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_names_of_parameters_and_settings_exist(page: Path) -> None:
    assert unknown_names(page.read_text(encoding="utf-8")) == []


def command_faults(text: str) -> list[str]:
    """Commands that do not exist, or take options the program does not know."""
    program = typer.main.get_command(build())
    commands = program.commands  # type: ignore[attr-defined]
    faults = []
    for line in code_lines(text):
        found = OUR_COMMAND.match(line.strip())
        if found is None or found[1] in OWN_WORDS or found[1].startswith("-"):
            continue
        command = commands.get(found[1])
        options = set(re.findall(r"(?<!\S)--[\w-]+", found[2]))
        known = {name for p in command.params for name in p.opts} if command else set()
        if command is None or options - known:
            faults.append(line)
    return faults


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_commands_exist(page: Path) -> None:
    assert command_faults(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_modules_that_are_run_exist(page: Path) -> None:
    modules = re.findall(r"python -m ([\w.]+)", page.read_text(encoding="utf-8"))
    assert [m for m in modules if importlib.util.find_spec(m) is None] == []


def slug(title: str) -> str:
    """Anchor of a heading as the usual Markdown hosts make it."""
    kept = re.sub(r"[^\w\- ]", "", title.strip().lower().replace("`", ""))
    return kept.replace(" ", "-")


def anchors(text: str) -> set[str]:
    bare = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return {slug(title) for title in re.findall(r"^#+ (.+)$", bare, flags=re.MULTILINE)}


def broken_links(page: Path, text: str) -> list[str]:
    """Relative links to files or headings that are not there."""
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        known = path.is_relative_to(ROOT) and path.exists()
        if known and anchor:
            known = anchor in anchors(path.read_text(encoding="utf-8"))
        if not known:
            broken.append(target)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_resolve(page: Path) -> None:
    assert broken_links(page, page.read_text(encoding="utf-8")) == []


def missing_files(text: str) -> list[str]:
    """Paths of the project in code spans that do not exist."""
    spans = [span for kind, span in code_of(text) if kind == "" and SOURCE.fullmatch(span)]
    ours = [span for span in spans if span.partition("/")[0] in ROOMS and "results/" not in span]
    return [span for span in ours if not any(ROOT.glob(span.rstrip("/").replace("**", "*")))]


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_files_that_are_named_exist(page: Path) -> None:
    assert missing_files(page.read_text(encoding="utf-8")) == []


def examples(plans: bool = False) -> list[tuple[str, str]]:
    """(file name, text) of every scenario, or every plan, in the documentation."""
    found = []
    for page in PAGES:
        for kind, block in code_of(page.read_text(encoding="utf-8")):
            if kind == "yaml" and ("\nmethod:" in block) == plans:
                name = re.match(r"# ([\w.-]+\.yaml)\n", block)
                assert name, f"{page_id(page)}: an example starts with its file's name"
                found.append((name[1], block))
    return found


def test_scenario_examples_are_valid(tmp_path: Path) -> None:
    named = examples()
    assert len(named) == len(dict(named)), "two examples with one name"
    assert {LEVERS[lever].__name__ for lever in LEVERS} == {
        type(policy).__name__
        for name, text in named
        if (tmp_path / name).write_text(text, encoding="utf-8")
        for policy in load_scenario(tmp_path / name).policies.values()
    }
    for name, _ in named:
        assert load_scenario(tmp_path / name).warnings == (), name


def test_plan_examples_are_valid(tmp_path: Path) -> None:
    shown = examples(plans=True)
    assert len(shown) >= 2
    for name, text in shown:
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert load_plan(tmp_path / name).factors


def test_pictures_are_small_and_there() -> None:
    pictures = list((ROOT / "docs" / "pictures").glob("*.png"))
    assert len(pictures) >= 2
    assert [p.name for p in pictures if p.stat().st_size >= LARGEST_PICTURE] == []


def chapters_of(text: str) -> list[str]:
    return re.findall(r"`(_\w+)`", text.split("\n## ")[0])


@pytest.mark.parametrize("name", ["theory.md", "theory.zh.md"])
def test_chapters_follow_the_month(name: str) -> None:
    source = (ROOT / "model" / "economy.py").read_text(encoding="utf-8")
    body = source.split("def stages(self)")[1].split("def ")[0]
    calls = [call for call in re.findall(r"self\.(_\w+)\(\)", body) if call != "_record"]
    assert chapters_of((ROOT / "docs" / name).read_text(encoding="utf-8")) == calls


def test_the_readme_counts_what_there_is() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    measures = load_catalogue().values()
    counts = len(measures), sum(len(m.clauses) for m in measures), len(LEVERS)
    chinese = re.search(r"(\d+) 项举措、(\d+) 条条款都能算，也可以自己组合 (\d+) 种", text)
    english = re.search(r"the (\d+) measures and (\d+) clauses .* and (\d+) levers", text)
    assert chinese is not None
    assert english is not None
    assert tuple(map(int, chinese.groups())) == tuple(map(int, english.groups())) == counts


def python_blocks(name: str) -> list[str]:
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    return [block for kind, block in code_of(text) if kind == "python"]


def test_the_guide_to_levers_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its settings and its lever, as written, pay in the cold months and count all year."""
    settings, lever = python_blocks("add_a_lever.md")
    assert python_blocks("add_a_lever.zh.md") == [settings, lever]
    written: dict[str, Any] = dict(vars(settings_people))
    exec(settings, written)
    allowance = written["HeatingAllowance"]
    monkeypatch.setattr(settings_people, "HeatingAllowance", allowance, raising=False)
    exec(lever, written)
    asked = allowance(lever="heating_allowance", start="2025-10", yuan_per_month=120)
    policy = written["HeatingAllowanceLever"]("heat", asked, np.ones(12))
    paid, parameters = {}, load_parameters()
    for month in (10, 11):
        setting = SimpleNamespace(parameters=parameters, month=month - 10, calendar_month=month)
        surface = Instruments.neutral(parameters.array("population.minimum_wage"))
        policy.act(setting, surface)
        (grant,) = surface.grants
        paid[month] = grant.amount, grant.regular
    assert paid == {10: (0, 5000), 11: (12_000, 5000)}


# --- the checks themselves can fail -----------------------------------------------------------


def test_check_of_names_sees_a_wrong_one() -> None:
    assert unknown_names("`labour.fnd` and `labour.find`, `tizhen explain vouchers.fase_yuan`") == [
        "labour.fnd",
        "vouchers.fase_yuan",
    ]


def test_check_of_commands_sees_a_wrong_one() -> None:
    text = "```\ntizhen compere baseline\ntizhen compare baseline --fast\ntizhen check x\n```"
    assert len(command_faults(text)) == 2


def test_check_of_links_sees_a_wrong_one() -> None:
    page = ROOT / "README.md"
    assert broken_links(page, "[a](docs/nothing.md) [b](#nowhere) [c](LICENSE)") == [
        "docs/nothing.md",
        "#nowhere",
    ]


def test_check_of_files_sees_a_wrong_one() -> None:
    assert missing_files("`model/econmy.py` `model/economy.py`") == ["model/econmy.py"]

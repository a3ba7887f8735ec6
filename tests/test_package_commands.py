"""Commands attribute, consistency and optimise: numbers as from Python, files, refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli import build
from experiments import alternatives
from experiments.attribution import attribute, attribution_document
from experiments.consistency import assess, consistency_document
from experiments.executors import Serial
from experiments.optimise import optimise, setup_of
from experiments.optimise_plan import load_optimise_plan
from experiments.optimum import optimum_document
from experiments.package_results import load
from experiments.package_runs import PackageRuns
from model.dimensions import PLACES
from model.scenario import load_scenario

SCENARIO = """
extends: baseline
months: 12
scale: "1:10000"
measures: {2: {}, 20: {}}
"""
PLAN = """
scenario: {scenario}
maximise: household_consumption
seeds: 2
levels: [1, 2]
step: 0.5
measures: {{2: {{max: 1}}, 20: {{}}}}
budgets: {{total: 8}}
frontier: {{with: employment, points: 2}}
"""
CONSUMPTION = "household_consumption"


def call(*arguments: str) -> Any:
    return CliRunner().invoke(build(), list(arguments), env={"COLUMNS": "200"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scenario, a plan over it, and a results folder that all tests share."""
    found = tmp_path_factory.mktemp("package")
    scenario = found / "two.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    plan = PLAN.format(scenario=scenario.name)
    (found / "plan.yaml").write_text(plan, encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def runs(folder: Path) -> PackageRuns:
    """The same runs from Python, in this process, in a folder of their own."""
    return PackageRuns(load_scenario(folder / "two.yaml"), folder / "python", Serial())


@pytest.fixture
def stored(folder: Path) -> PackageRuns:
    """The runs that the commands have stored, and others in this process."""
    return PackageRuns(load_scenario(folder / "two.yaml"), folder / "results", Serial())


def document(folder: Path, command: str, file: str, *more: str) -> dict[str, Any]:
    results = str(folder / "results")
    done = call(command, str(folder / file), "--json", "--quiet", "--workers", "1", "--results",
                results, *more)  # fmt: skip
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def has_words_in_both_languages(found: dict[str, Any], stem: str) -> bool:
    heads = [
        (Path(found["path"]) / f"{stem}.{lang}.md").read_text(encoding="utf-8").splitlines()[0]
        for lang in ("zh", "en")
    ]
    return ["消费" in head for head in heads] == [True, False]


FEW = ("--replications", "2", "--uncertainty", "levers,scenario")
DRAWN = (alternatives.LEVERS, alternatives.SCENARIO)


def test_attribute_gives_the_numbers_of_python(folder: Path, runs: PackageRuns) -> None:
    stored = folder / "attribution.json"
    found = document(folder, "attribute", "two.yaml", *FEW, "--write", str(stored))
    wanted = attribution_document(attribute(runs, CONSUMPTION, seeds=2, sources=DRAWN))
    assert {key: found[key] for key in wanted} == wanted
    assert found["covers"] == ["chance", "levers", "scenario"]
    assert "--uncertainty levers,scenario" in found["command"]
    assert load(stored)["shares"][0]["value"] == found["shares"][0]["value"]
    assert {"measure", "value", "low", "high"} <= found["shares"][0].keys()
    assert sum(round(100 * one["value"]) for one in found["shares"]) == round(100 * found["total"])
    path = Path(found["path"])
    for stem in ("attribution_household_consumption_measures", "attribution_orders_"):
        assert list(path.glob(f"charts/{stem}*.png"))
    assert has_words_in_both_languages(found, "attribution_household_consumption_measures")


def test_consistency_gives_the_numbers_of_python(folder: Path, stored: PackageRuns) -> None:
    found = document(folder, "consistency", "two.yaml", *FEW)
    wanted = consistency_document(assess(stored, CONSUMPTION, 2, sources=DRAWN))
    assert {key: found[key] for key in wanted} == json.loads(json.dumps(wanted))
    assert {"a", "b", "interaction", "low", "high", "class", "cause"} <= found["pairs"][0].keys()
    assert len(list(Path(found["path"]).glob("charts/consistency_*.zh.png"))) == 5
    assert has_words_in_both_languages(found, "consistency_household_consumption")


def test_a_quick_look_says_what_it_is(folder: Path) -> None:
    results = str(folder / "results")
    for command, seeds, words in (
        ("attribute", 1, "placeholder"),
        ("consistency", 2, "chance only"),
    ):
        done = call("--lang", "en", command, str(folder / "two.yaml"), "--quick", "--workers", "1",
                    "--results", results)  # fmt: skip
        assert done.exit_code == 0, done.output
        assert f"quick look: seeds {seeds}" in done.stderr
        assert words in done.stdout
    found = document(folder, "attribute", "two.yaml", "--quick")
    assert (found["quick"], found["covers"], len(found["seeds"])) == (True, ["chance"], 1)
    assert "--quick" in found["command"]


@pytest.mark.slow
def test_optimise_gives_the_numbers_of_python(folder: Path, stored: PackageRuns) -> None:
    found = document(folder, "optimise", "plan.yaml")
    plan = load_optimise_plan(folder / "plan.yaml")
    wanted = optimum_document(optimise(plan, stored))
    assert {key: found[key] for key in wanted} == json.loads(json.dumps(wanted))
    assert {"allocation", "objective", "binding", "frontier"} <= found.keys()
    assert found["budgets"]["total"]["used"] <= 8e8 * 1.05
    assert len(list(Path(found["path"]).glob("charts/*_plan.en.png"))) == 3
    assert has_words_in_both_languages(found, "optimise_plan")


CITY_PLAN = """
scenario: {scenario}
maximise: household_consumption
seeds: 2
levels: [1, 2]
step: 0.5
designs: 4
measures:
  2: {{max: 1}}
  23: {{groups: {{north: [{north}], rest: [{rest}]}}}}
budgets: {{total: 6, shenyang: 1}}
"""


@pytest.mark.slow
def test_optimise_by_city_gives_the_numbers_of_python(folder: Path) -> None:
    scenario = folder / "by_city.yaml"
    scenario.write_text(SCENARIO.replace("20: {}", "23: {}"), encoding="utf-8")
    halves = {"north": ", ".join(PLACES[:5]), "rest": ", ".join(PLACES[5:])}
    text = CITY_PLAN.format(scenario=scenario.name, **halves)
    (folder / "city_plan.yaml").write_text(text, encoding="utf-8")
    found = document(folder, "optimise", "city_plan.yaml")
    plan = load_optimise_plan(folder / "city_plan.yaml")
    setup = setup_of(plan)
    runs = PackageRuns(plan.scenario, folder / "results", Serial(), setup=setup)
    wanted = optimum_document(optimise(plan, runs))
    assert runs.computed == 0  # everything was there
    assert {key: found[key] for key in wanted} == json.loads(json.dumps(wanted))
    assert {"designs", "holdout", "table", "equal", "difference", "paid"} == found["cities"].keys()
    assert len(found["cities"]["table"]) == 3
    path = Path(found["path"])
    assert {one.suffix for one in path.glob("charts/cities_city_plan.zh.*")} >= {".png", ".svg"}
    for lang, words in (("zh", "沈阳"), ("en", "Shenyang")):
        assert words in (path / f"optimise_city_plan.{lang}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("attribute", "vouchers", "--outcome", "employmnt"), "employment"),
        (("attribute", "vouchers", "--by", "cities"), "cities"),
        (("attribute", "vouchers", "--months", "99"), "36"),
        (("attribute", "vouchers", "--replications", "0"), "0"),
        (("attribute", "vouchers", "--workers", "0"), "0"),
        (("attribute", "vouchers", "--uncertainty", "weather"), "weather"),
        (("attribute", "baseline"), "measures"),
        (("consistency", "full_plan", "--only", "1,99"), "99"),
        (("consistency", "full_plan", "--only", "7"), "two"),
        (("consistency", "full_plan", "--replications", "1"), "2"),
        (("consistency", "full_plam"), "full_plan"),
        (("optimise", "people_and_good"), "people_and_goods"),
    ],
)
def test_bad_input_ends_with_two_and_one_line(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = call("--lang", "en", *arguments, "--results", str(tmp_path / "results"))
    assert done.exit_code == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""
    assert not (tmp_path / "results").exists()


def test_a_plan_with_a_typo_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("scenario: full_plan\nmaximize: employment\nbudgets: {total: 5}\n", "utf-8")
    done = call("--lang", "en", "optimise", str(path))
    assert done.exit_code == 2
    assert "plan.yaml:2:1: " in done.stderr
    assert 'did you mean "maximise"' in done.stderr.replace("“", '"').replace("”", '"')


def test_an_impossible_plan_names_the_budget(folder: Path, tmp_path: Path) -> None:
    path = folder / "impossible.yaml"
    text = "measures: {20: {min: 2}}\nmaximise: employment\nseeds: 2\nlevels: [1, 2]\n"
    path.write_text(f"scenario: two.yaml\n{text}budgets: {{total: 0}}\n", encoding="utf-8")
    done = call("--lang", "en", "optimise", str(path), "--workers", "1", "--quiet", "--results",
                str(folder / "results"))  # fmt: skip
    assert done.exit_code == 1
    assert "cannot be done" in done.stderr
    assert "all budgets exceeded" in done.stderr

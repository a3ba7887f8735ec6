"""docs/packages.md is written from stored figures that add up, and its picture shows them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from docs import package_pages
from experiments.attribution import attribute, attribution_document
from experiments.consistency import assess, consistency_document
from experiments.package_results import load, save
from tests.test_attribution import game_runs

CONSUMPTION = "household_consumption"


def fen(value: float) -> int:
    return round(100 * value)


@pytest.mark.parametrize("path", [package_pages.SECTIONS, package_pages.MEASURES])
def test_stored_shares_add_up_to_the_fen(path: Path) -> None:
    stored = load(path)
    assert sum(fen(one["value"]) for one in stored["shares"]) == fen(stored["total"])
    for world in stored["replications"]:
        assert sum(fen(share) for share in world["shares"]) == fen(world["total"])
    given = [world for world in stored["replications"] if not world["drawn"]]
    assert [world["seed"] for world in given] == stored["seeds"]
    mean = sum(fen(world["total"]) for world in given) / len(given)
    assert abs(mean - fen(stored["total"])) <= 0.5
    drawn = [world for world in stored["replications"] if world["drawn"]]
    assert stored["covers"] == ["chance", "parameters", "levers", "scenario"]
    assert len(drawn) == len(given)


def test_stored_pairs_are_those_of_the_command() -> None:
    stored = load(package_pages.PAIRS)
    only = re.search(r"--only (\S+)", stored["command"])
    measures = len(only[1].split(",")) if only else 35
    count = measures * (measures - 1) // 2
    assert stored["pairs_assessed"] == count
    assert stored["failed"] == []
    for one in stored["classes_by_outcome"].values():
        assert sum(one[kind] for kind in ("synergy", "neutral", "conflict")) == count
    told = [one for one in stored["pairs"] if one["class"] != "neutral"]
    assert len(told) == count - stored["classes"]["neutral"]


@pytest.mark.parametrize("path", package_pages.STORED)
def test_stored_figures_name_the_command_that_renews_them(path: Path) -> None:
    stored = load(path)
    name = "consistency" if "pairs" in stored else "attribute"
    assert stored["command"].startswith(f"tizhen {name} full_plan ")
    assert "--quick" not in stored["command"]


def test_the_picture_shows_the_stored_shares() -> None:
    for lang in ("zh", "en"):
        drawn = package_pages.mark_of(package_pages.picture(lang))
        assert drawn == package_pages.fingerprint(), "run python docs/generate.py"


def stored_games(folder: Path) -> dict[str, Path]:
    """Figures of games with known answers, stored as the commands store them."""
    shares = attribute(game_runs(folder, "swaying", range(1, 4)), CONSUMPTION, seeds=3)
    pairs = assess(game_runs(folder, "fickle", range(1, 7)), CONSUMPTION, 5)
    found: dict[str, Any] = {
        "SECTIONS": attribution_document(shares), "MEASURES": attribution_document(shares),
        "PAIRS": consistency_document(pairs),
    }  # fmt: skip
    for name, figures in found.items():
        save({**figures, "command": "tizhen"}, folder / f"{name}.json")
    return {name: folder / f"{name}.json" for name in found}


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_pages_follow_what_is_stored(
    lang: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, path in stored_games(tmp_path).items():
        monkeypatch.setattr(package_pages, name, path)
    sections, pairs = package_pages.sections(lang), package_pages.pairs(lang)
    assert sections.count("\n| ") == 5  # a head, three players, the package
    assert package_pages.measures(lang).count("\n| ") >= 3
    ranked = pairs.partition("**")[2].splitlines()
    rows = [line for line in ranked if line.startswith("| ") and " + " in line]
    assert rows[0].startswith("| 5 ")  # the largest that is told from zero
    assert rows[1].startswith("| 1 ")
    assert any(line.startswith("| 3 ") for line in rows[2:])  # chance alone would report it

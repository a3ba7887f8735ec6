"""The package says the same about itself everywhere, and its pins cover what it asks for."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.11", "3.12", "3.13")


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def requirements(project: dict) -> list[Requirement]:
    extras = project["optional-dependencies"].values()
    texts = project["dependencies"] + [text for extra in extras for text in extra]
    return [Requirement(text) for text in texts]


def pins() -> list[Requirement]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def pinned(python: str) -> dict[str, str]:
    environment = {**default_environment(), "python_version": python}
    chosen: dict[str, str] = {}
    for pin in pins():
        if pin.marker is None or pin.marker.evaluate(environment):
            name = canonicalize_name(pin.name)
            assert name not in chosen, f"{name} pinned twice for Python {python}"
            chosen[name] = str(pin.specifier).removeprefix("==")
    return chosen


def test_every_pin_is_exact() -> None:
    assert [str(pin) for pin in pins() if not re.fullmatch(r"==[\w.]+", str(pin.specifier))] == []


@pytest.mark.parametrize("python", PYTHONS)
def test_pins_satisfy_every_requirement(project: dict, python: str) -> None:
    versions = pinned(python)
    for requirement in requirements(project):
        version = versions.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not pinned for Python {python}"
        assert requirement.specifier.contains(version), f"{requirement} against {version}"


def test_version_is_the_same_in_citation(project: dict) -> None:
    citation = YAML(typ="safe").load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors", "version", "license"} <= citation.keys()
    assert str(citation["version"]) == project["version"]
    assert citation["license"] == project["license"]
    assert citation["authors"]


def test_console_script_points_into_a_packaged_room(project: dict) -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]
    packages = build["build"]["targets"]["wheel"]["packages"]
    assert project["scripts"]["tizhen"].split(".")[0] in packages
    for package in packages:
        assert (ROOT / package / "__init__.py").is_file(), package


def test_licence_files_exist(project: dict) -> None:
    for name in project["license-files"]:
        assert (ROOT / name).is_file(), name


def test_readme_quick_start_is_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^python run\.py .+$", text, flags=re.MULTILINE)
    assert "python run.py compare headline_package" in commands
    assert "python run.py test" in commands
    assert "run.py test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_changelog_has_an_open_section() -> None:
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

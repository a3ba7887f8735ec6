"""The command line: results on stdout, one line per error on stderr, exit codes 0, 1 and 2."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import app.cli
from app.console import Console, help_language, write
from model.scenario import load_scenario
from model.scenario_schema import schema_text

ROOT = Path(__file__).parents[1]


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Exit code of the program called with `arguments`."""
    monkeypatch.setattr(sys, "argv", ["tizhen", *arguments])
    with pytest.raises(SystemExit) as ended:
        app.cli.main()
    return int(ended.value.code or 0)


def test_check_prints_name_horizon_and_digest(monkeypatch, capsys) -> None:
    assert call(monkeypatch, "check", "vouchers") == 0
    out, err = capsys.readouterr()
    assert load_scenario("vouchers").digest in out
    assert "2025-10 至 2028-09（36 个月）" in out
    assert err == ""


@pytest.mark.parametrize("arguments", [("--lang", "en", "check"), ("check", "--lang=en")])
def test_language_may_stand_before_or_after_the_command(monkeypatch, capsys, arguments) -> None:
    assert call(monkeypatch, *arguments, "baseline") == 0
    assert capsys.readouterr().out.startswith("OK: baseline")


def test_check_json_is_one_document(monkeypatch, capsys) -> None:
    assert call(monkeypatch, "check", "headline_package", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is True
    assert document["digest"] == load_scenario("headline_package").digest
    assert document["policies"]["vouchers"] == "vouchers"


def test_bad_scenarios_end_with_two_and_plain_lines(monkeypatch, capsys, tmp_path) -> None:
    bad = tmp_path / "坏.yaml"
    bad.write_text("extends: baseline\nmnths: 3\npolicies: {p: {lever: x}}\n", encoding="utf-8")
    assert call(monkeypatch, "check", str(bad)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert [line.startswith(str(bad) + ":") for line in lines] == [True, True]
    assert "Traceback" not in err
    assert call(monkeypatch, "check", str(bad), "--json", "--lang", "en") == 2
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is False
    assert len(document["errors"]) == 2


def test_schema_is_the_committed_one(monkeypatch, capsys) -> None:
    assert call(monkeypatch, "schema") == 0
    assert capsys.readouterr().out == schema_text()


def test_explain_has_the_keys_of_the_contract(monkeypatch, capsys) -> None:
    for name in ("numerics.months_per_year", "vouchers.face_yuan"):
        assert call(monkeypatch, "explain", name, "--json") == 0
        record = json.loads(capsys.readouterr().out)
        assert record["name"] == name
        assert {"value", "unit", "low", "high", "source", "grade"} <= record.keys()


def test_explain_for_people_and_its_suggestion(monkeypatch, capsys) -> None:
    assert call(monkeypatch, "explain", "vouchers.threshold_yuan") == 0
    assert "使用门槛" in capsys.readouterr().out
    assert call(monkeypatch, "explain", "vouchers.treshold_yuan", "--lang", "en") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert 'did you mean "vouchers.threshold_yuan"?' in err


def test_unusual_values_are_noted_unless_quiet(monkeypatch, capsys, tmp_path) -> None:
    late = tmp_path / "late.yaml"
    late.write_text(
        "extends: vouchers\nmonths: 12\n",
        encoding="utf-8",
    )
    assert call(monkeypatch, "check", str(late)) == 0
    assert "提醒：" in capsys.readouterr().err
    assert call(monkeypatch, "check", str(late), "--quiet") == 0
    assert capsys.readouterr().err == ""


def test_faults_are_one_line_and_exit_one(monkeypatch, capsys) -> None:
    def broken() -> None:
        raise RuntimeError("first\nsecond")

    monkeypatch.setattr(app.cli, "build", broken)
    monkeypatch.delenv("TIZHEN_TRACEBACK", raising=False)
    assert call(monkeypatch, "check") == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "RuntimeError" in err


def test_wrong_language_is_a_bad_input(monkeypatch) -> None:
    assert call(monkeypatch, "check", "baseline", "--lang", "fr") == 2


def test_language_of_the_help() -> None:
    assert help_language(["--lang", "en", "check"]) == "en"
    assert help_language(["check", "--lang=en"]) == "en"
    assert help_language(["check", "--lang", "xx"]) == "zh"


def test_quiet_and_json_hide_what_they_should(capsys) -> None:
    console = Console(json=True, quiet=True)
    console.result("text")
    console.note("note")
    console.document({"a": "大连"})
    assert capsys.readouterr() == ('{"a": "大连"}\n', "")


@pytest.mark.parametrize("encoding", ["gbk", "cp437", "ascii"])
def test_old_consoles_do_not_break(encoding: str) -> None:
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", "from app.cli import main; main()", "check", "baseline"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert load_scenario("baseline").digest.encode() in done.stdout


def test_light_commands_load_nothing_heavy() -> None:
    code = (
        "import sys, app.cli as c; sys.argv = ['tizhen', 'check', 'baseline']\n"
        "try: c.main()\nexcept SystemExit: pass\n"
        "heavy = {'numba', 'mesa', 'scipy', 'matplotlib', 'pandas', 'pyarrow', 'SALib'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert "HEAVY []" in done.stdout.decode("utf-8")


def test_write_replaces_what_the_stream_cannot_hold(tmp_path) -> None:
    with (tmp_path / "out").open("w", encoding="ascii") as stream:
        write(stream, "大连 ok")
    assert "ok" in (tmp_path / "out").read_text(encoding="ascii")

"""Studies rebuilt in the model: books add up, nothing gives nothing, files say what is wrong."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from app.cli import build
from docs.replication_pages import drawn_from, example, fingerprint, guide
from experiments.replications.carry_out import ESTIMATORS, carry_out
from experiments.replications.observe import BOOK_COLUMNS, copy_of, household_books, where_from
from experiments.replications.outcomes import OUTCOME_TABLE
from experiments.replications.replicate import Replication, from_plain, panel_of, replicate
from experiments.replications.specification import (
    OUTCOMES,
    Specification,
    load_specification,
    shipped,
)  # fmt: skip
from experiments.replications.store import load
from model.agents.household_layout import field
from model.economy import Economy
from model.messages import LANGUAGES
from model.scenario_problems import ScenarioError
from tests.economies import scenario

TARGETS = [
    *(f"RT1{c}" for c in "abcdefghi"), *(f"RT2{c}" for c in "abcdef"),
    *(f"RT3{c}" for c in "abcdef"), *(f"RT4{c}" for c in "abcdefg"),
]  # fmt: skip
SOUND = """\
id: mine
title: {zh: 我的研究, en: my study}
study: "example"
grade: D
design: {zh: 示例, en: example}
run: {start: 2025-10, months: 8, scale: 1000}
event: 2026-02
instruments:
  - {kind: cash, amount_yuan: 500, start: 2026-02, eligible: {quintiles: [1, 2], cities: [dalian]}}
assignment: {kind: receipt, of: transfers}
findings:
  - name: {zh: 消费, en: consumption}
    target: 0.2
    low: 0.0
    high: 0.5
    outcome: consumption
    estimator: paired
    per: transfers
    per_after: [0, 0]
    after: [0, 2]
"""


def study(text: str, tmp_path: Path) -> Specification:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return load_specification(path)


# --- the files --------------------------------------------------------------------------------


def test_every_target_is_a_file_with_its_evidence() -> None:
    known = shipped()
    assert list(known) == TARGETS
    assert all(spec.evidence for spec in known.values())


def test_studies_say_how_households_differ_and_nothing_about_how_they_behave() -> None:
    for spec in shipped().values():
        for with_policy in (True, False):
            assert spec.scenario(with_policy).parameters == {}
        assert spec.scenario(with_policy=False).policies == {}


def test_every_outcome_is_computed() -> None:
    provincial = {"consumption_adjusted"}
    assert set(OUTCOMES) - provincial == set(OUTCOME_TABLE)


FAULTS = [
    ("outcome: consumption\n", "outcome: consumtion\n", 16, "consumption", "consumption"),
    ("kind: cash", "kind: cahs", 9, "cash", "cash"),
    ("amount_yuan: 500", "amont_yuan: 500", 9, "amount_yuan", "amount_yuan"),
    ("cities: [dalian]", "cities: [dalain]", 9, "dalian", "dalian"),
    ("quintiles: [1, 2]", "quintiles: [1, 7]", 9, "不能大于 5", "at most 5"),
    ("amount_yuan: 500", "amount_yuan: -5", 9, "不能小于 0", "at least 0"),
    ("amount_yuan: 500", "amount_yuan: plenty", 9, "应是数字", "must be a number"),
    ("event: 2026-02", "event: 2026-13", 7, "2026-10 这样的年月", "a month such as 2026-10"),
    ("    after: [0, 2]", "    after: [0, 20]", 20, "应在 -4 和 3 之间", "between -4 and 3"),
    ("    after: [0, 2]", "    after: [2, 0]", 12, "[起, 止]", "[first, last]"),
    ("high: 0.5", "high: 0.1", 12, "不在 low", "does not lie between"),
    ("kind: receipt, of: transfers", "kind: places", 10, "还需要 places", "also needs places"),
    ("estimator: paired", "estimator: reversal_month", 12, "需要 programme", "needs programme"),
    ("grade: D\n", "", 1, "grade", "grade"),
    ("start: 2026-02, eligible", "start: 2036-02, eligible", 8, "2036-02", "2036-02"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "line", "zh", "en"), FAULTS)
def test_a_fault_is_one_line_with_its_place(
    right: str, wrong: str, line: int, zh: str, en: str, tmp_path: Path
) -> None:
    assert right in SOUND
    with pytest.raises(ScenarioError) as caught:
        study(SOUND.replace(right, wrong), tmp_path)
    for lang, words in (("zh", zh), ("en", en)):
        lines = caught.value.in_language(lang).lines
        assert len(lines) == 1, lines
        assert lines[0].startswith(f"mine.yaml:{line}:"), lines
        assert words in lines[0]


def test_command_refuses_a_bad_file_and_an_unknown_study(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(SOUND.replace("outcome: consumption", "outcome: consumtion"), encoding="utf-8")
    call = CliRunner().invoke(build(), ["replicate", "--spec", str(path), "--lang", "en"])
    assert call.exit_code == 2
    assert call.stderr.count("\n") == 1
    assert "mine.yaml:16:" in call.stderr
    assert CliRunner().invoke(build(), ["replicate", "RT9z"]).exit_code == 2


# --- what is observed -------------------------------------------------------------------------


def test_books_of_households_add_up_to_the_month_and_change_nothing() -> None:
    economy = Economy(scenario({}, months=3, scale=2000), lean=True, threads=1)
    block, seen = economy.household_block, {}
    live = block.live

    def watched(month: object) -> object:
        seen["books"] = household_books(block, copy_of(block.columns), month)  # type: ignore[arg-type]
        seen["totals"] = live(month)  # type: ignore[arg-type]
        return seen["totals"]

    block.live = watched  # type: ignore[method-assign, assignment]
    plain = Economy(scenario({}, months=3, scale=2000), lean=True, threads=1)
    _, _, weight, _ = where_from(block)
    for _ in range(3):
        economy.step()
        plain.step()
        assert np.array_equal(economy.totals, plain.totals)
        for name in ("event_spending", "employed", "pensions", "medical", "loans", "transfers"):
            first, last = BOOK_COLUMNS[name]
            total = int((seen["books"][:, first:last] * weight[:, None]).sum())
            assert total == int(field(seen["totals"], name).sum()), name
        events = slice(*BOOK_COLUMNS["event_spending"])
        spent = seen["books"][:, 0] + seen["books"][:, events].sum(axis=1)
        assert np.array_equal(spent, block.columns.spending)


def test_an_instrument_of_nothing_changes_nothing(tmp_path: Path) -> None:
    text = SOUND.replace("amount_yuan: 500", "amount_yuan: 0").replace("    per: transfers\n", "")
    text = text.replace("    per_after: [0, 0]\n", "")
    text = text.replace("{kind: receipt, of: transfers}", "{kind: everybody}")
    spec = study(text, tmp_path)
    panel = panel_of([spec], None, 1)
    for name, treated in panel.treated.items():
        assert np.array_equal(treated, panel.baseline[name]), name
    (found,) = carry_out(spec, panel)
    assert found.estimate.value == 0.0
    assert found.estimate.error == 0.0


def test_threads_change_nothing(tmp_path: Path) -> None:
    text = SOUND.replace("months: 8, scale: 1000", "months: 7, scale: 200")
    spec = study(text.replace("outcome: consumption\n", "outcome: durables\n"), tmp_path)
    one, two = (panel_of([spec], None, threads) for threads in (1, 2))
    assert len(one.traits.place) > 65_536  # large enough to be shared among threads
    for name, values in one.treated.items():
        assert np.array_equal(values, two.treated[name])
        assert np.array_equal(one.baseline[name], two.baseline[name])
    assert np.array_equal(one.received["transfers"], two.received["transfers"])


def test_money_reaches_the_eligible_only(tmp_path: Path) -> None:
    panel = panel_of([study(SOUND, tmp_path)], None, 1)
    got = panel.received["transfers"]
    meant = (panel.traits.quintile <= 2) & (panel.traits.place == 1)
    assert set(np.unique(got)) == {0.0, 500.0}
    assert np.array_equal(got > 0.0, meant)


def test_a_replication_survives_writing_and_reading() -> None:
    for one in json.loads((DOCS / "replication_results.json").read_text("utf-8"))["replications"]:
        assert json.loads(json.dumps(from_plain(one).plain())) == one


# --- the discriminating rows, at small scale and with wider bands ------------------------------

SCALE = 500
LOOSE = {  # (study, finding): band; the full table has the published ones
    ("RT1a", 0): (2.5, 5.0),  # threshold and expiry: several yuan per yuan on the platform
    ("RT1c", 0): (0.1, 1.2),  # six months later most of it is gone
    ("RT1f", 0): (0.10, 0.45),  # without threshold: a quarter
    ("RT1g", 1): (0.0, 0.45),
    ("RT3c", 0): (0.4, 1.6),  # permanent
    ("RT3c", 1): (-0.4, 0.4),  # one-off
    ("RT3d", 0): (-0.2, 0.2),  # before the first payment
    ("RT4b", 0): (0.1, 0.8),  # half of subsidised cars would have been bought
}


@pytest.fixture(scope="module")
def quick() -> dict[str, Replication]:
    wanted = sorted({name for name, _ in LOOSE})
    known = shipped()
    return {one.id: one for one in replicate([known[n] for n in wanted], scale=SCALE)}


@pytest.mark.parametrize(("name", "number"), LOOSE)
def test_discriminating_rows_at_small_scale(
    name: str, number: int, quick: dict[str, Replication]
) -> None:
    low, high = LOOSE[name, number]
    estimate = quick[name].rows[number].estimate
    assert estimate is not None
    assert low <= estimate <= high


def test_thresholds_and_expiry_make_the_difference(quick: dict[str, Replication]) -> None:
    """Ten times the response of money on the platform, less than half of that in total."""
    bound, free = (quick[name].rows[0].estimate for name in ("RT1a", "RT1f"))
    ledger = quick["RT1c"].rows[0].estimate
    assert bound is not None
    assert free is not None
    assert ledger is not None
    assert bound > 5.0 * free
    assert ledger < 0.5 * bound


# --- the documentation ------------------------------------------------------------------------

DOCS = Path(__file__).resolve().parents[1] / "docs"
SLIPS = [
    (" amount_yuan", " amont_yuan"),
    ("outcome: consumption\n", "outcome: consumtion\n"),
    ("per_after: [0, 0]\n    after: [0, 2]", "per_after: [0, 0]\n    after: [0, 20]"),
]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_messages_of_the_guide_are_those_of_the_program(lang: str, tmp_path: Path) -> None:
    name, text = example(lang)
    for right, wrong in SLIPS:
        (tmp_path / name).write_text(text.replace(right, wrong, 1), encoding="utf-8")
        with pytest.raises(ScenarioError) as caught:
            load_specification(tmp_path / name)
        (line,) = caught.value.in_language(lang).lines
        assert line in guide(lang).read_text(encoding="utf-8")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_guides_name_every_word_of_the_form(lang: str) -> None:
    page = guide(lang).read_text(encoding="utf-8")
    for word in (*ESTIMATORS, *(name for name in OUTCOMES if "." not in name)):
        assert f"`{word}`" in page, word


def test_stored_table_is_whole_and_misses_are_explained() -> None:
    stored, known = load(DOCS / "replication_results.json"), shipped()
    assert [one.id for one in stored.replications] == TARGETS
    for one in stored.replications:
        spec = known[one.id]
        assert [row.name for row in one.rows] == [f.name.model_dump() for f in spec.findings]
        for row, finding in zip(one.rows, spec.findings, strict=True):
            assert (row.low, row.target, row.high) == (finding.low, finding.target, finding.high)
        assert one.in_band or spec.limits is not None, f"{one.id} misses without a reason"


def test_pictures_show_the_stored_table() -> None:
    for lang in ("zh", "en"):
        assert drawn_from(lang) == fingerprint(), "run python docs/generate.py"

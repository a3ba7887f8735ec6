"""Scenario files: every error at once, at its place, in two languages; and no file does harm."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from model.dimensions import CATEGORIES, PLACES
from model.messages import LANGUAGES, UnknownMessage, catalogue, has_message, placeholders, say
from model.parameters import load_parameters
from model.policy.programme_settings import BEARERS
from model.policy.quantities import Dated, month_number, month_text
from model.policy.settings import LEVERS, Pensions, TradeIn, Vouchers
from model.policy.settings_people import MARKS
from model.scenario import ScenarioError, load_scenario, scenario_from_mapping, shipped_names
from model.scenario_problems import printable
from model.scenario_reader import read_bytes
from model.scenario_schema import (
    SCHEMA_FILE,
    scenario_schema,
    schema_text,
    setting_names,
    setting_text,
)
from model.scenario_sources import scenario_folder

START = "start: 2025-10\nmonths: 36\nscale: 1000\nseed: 1\n"
WAGE = "lever: minimum_wage, start: 2026-04, increase_percent: 10"


def write(folder: Path, text: str | bytes, name: str = "s.yaml") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def lines_of(folder: Path, text: str | bytes, lang: str = "zh", name: str = "s.yaml") -> list[str]:
    """Error lines of a scenario file, without its folder; empty if it is valid."""
    path = write(folder, text, name)
    try:
        load_scenario(path, lang)
    except ScenarioError as error:
        return [line.replace(str(folder) + os.sep, "") for line in error.lines]
    return []


def policy(text: str) -> str:
    return f"{START}policies:\n  p: {{{text}}}\n"


# --- shipped files -------------------------------------------------------------------------------


def test_shipped_scenarios_are_valid_without_warnings() -> None:
    assert {"baseline", "null_policy", "headline_package"} <= set(shipped_names())
    for name in shipped_names():
        scenario = load_scenario(name)
        assert (scenario.start, scenario.months, scenario.scale) == ("2025-10", 36, 1000)
        assert scenario.name == name
        assert scenario.title("zh") != scenario.title("en")
        assert not scenario.warnings


def test_shipped_files_name_the_schema_first() -> None:
    for name in shipped_names():
        text = (scenario_folder() / f"{name}.yaml").read_text(encoding="utf-8")
        assert text.startswith(f"# yaml-language-server: $schema={SCHEMA_FILE}\n")


def test_headline_package_holds_the_four_measures_unchanged() -> None:
    package = load_scenario("headline_package")
    for name in ("minimum_wage", "pensions", "trade_in", "vouchers"):
        assert package.policies[name] == load_scenario(name).policies[name]
    assert len(package.policies) == 4


def test_committed_schema_is_current() -> None:
    committed = (scenario_folder() / SCHEMA_FILE).read_text(encoding="utf-8")
    assert committed == schema_text()


def test_shipped_scenarios_validate_against_the_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(scenario_schema())
    validator.check_schema(scenario_schema())
    for name in shipped_names():
        path = scenario_folder() / f"{name}.yaml"
        plain = read_bytes(path.read_bytes(), name).plain()
        assert not list(validator.iter_errors(plain)), name
        assert not list(validator.iter_errors(load_scenario(name).resolved())), name
    bad = {"policies": {"p": {"lever": "vouchers", "fase_yuan": 3}}}
    assert list(validator.iter_errors(bad))
    assert list(validator.iter_errors({"months": 0}))


def test_every_setting_is_explained() -> None:
    assert [n for n in setting_names() if not has_message(setting_text(n))] == []


# --- identity ------------------------------------------------------------------------------------


def test_resolved_scenario_is_itself_a_scenario() -> None:
    for name in shipped_names():
        scenario = load_scenario(name)
        document = json.loads(json.dumps(scenario.resolved()))
        assert scenario_from_mapping(document).digest == scenario.digest


def test_digest_ignores_spelling_and_titles(tmp_path: Path) -> None:
    first = policy(
        "lever: minimum_wage, start: 2026-04, increase_percent: 10, cities: [大连, 沈阳市]"
    )
    second = (
        "# comment\ntitle: {zh: 一, en: one}\npolicies:\n  p:\n    cities: [shenyang, dalian]\n"
        '    increase_percent: {value: 0.1, unit: share}\n    start: "2026-04"\n'
        '    lever: minimum_wage\nseed: 1\nscale: "1:1000"\nmonths: "36个月"\nstart: 2025-10\n'
    )
    one = load_scenario(write(tmp_path, first))
    two = load_scenario(write(tmp_path, second))
    assert one.digest == two.digest
    assert one.changed(seed=2).digest != one.digest


def test_digest_differs_for_every_change() -> None:
    base = load_scenario("headline_package")
    digests = {base.digest, base.changed(months=24).digest, base.changed(scale=500).digest}
    digests |= {base.with_policies([name]).digest for name in base.policies}
    assert len(digests) == 3 + len(base.policies)


def test_months_are_counted_from_the_start() -> None:
    scenario = load_scenario("baseline")
    assert scenario.month_offset("2026-03") == 5
    assert scenario.month_offset("2025-09") == -1
    assert scenario.month_labels()[-1] == scenario.last_month == "2028-09"
    assert month_text(month_number("2025-12") + 1) == "2026-01"


# --- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written", ["0.15", '"15%"', "15%", '"15％"', "{value: 15, unit: '%'}", "{value: 0.15}"]
)
def test_a_share_can_be_written_in_many_ways(tmp_path: Path, written: str) -> None:
    text = (scenario_folder() / "trade_in.yaml").read_text(encoding="utf-8")
    path = write(tmp_path, text.replace("appliances: {rate: 15%", f"appliances: {{rate: {written}"))
    trade_in = load_scenario(path).policies["trade_in"]
    assert isinstance(trade_in, TradeIn)
    assert trade_in.items["appliances"].rate == Dated((("", 0.15),))


def test_yuan_are_converted_and_foreign_units_refused(tmp_path: Path) -> None:
    transfer = "lever: transfer, month: 2026-02, payer: province, yuan_per_household: "
    scenario = load_scenario(write(tmp_path, policy(transfer + '"0.1万元"')))
    assert scenario.policies["p"].plain()["yuan_per_household"] == 1000
    (line,) = lines_of(tmp_path, policy(transfer + '"3公斤"'))
    assert line.startswith("s.yaml:6:77: ")
    assert "公斤" in line
    assert lines_of(tmp_path, policy(transfer + "yes"))
    assert lines_of(tmp_path, policy(transfer + "true"))


def test_dated_rates() -> None:
    document = load_scenario("trade_in").resolved()
    document["policies"]["trade_in"]["items"]["cars"]["rate"] = {"2026-07": "5%", "2026-01": 0.1}
    trade_in = scenario_from_mapping(document).policies["trade_in"]
    assert isinstance(trade_in, TradeIn)
    rate = trade_in.items["cars"].rate
    assert [rate.at(m) for m in ("2025-12", "2026-01", "2026-06", "2026-07")] == [0, 0.1, 0.1, 0.05]


def test_pension_tilt_and_voucher_rounds() -> None:
    pensions = load_scenario("pensions").policies["pensions"]
    assert isinstance(pensions, Pensions)
    assert [pensions.tilt_at(age) for age in (69, 70, 79, 80)] == [0, 20, 20, 40]
    vouchers = load_scenario("vouchers").policies["vouchers"]
    assert isinstance(vouchers, Vouchers)
    assert [m for m, _ in vouchers.round_list()] == [f"2026-{m:02d}" for m in range(1, 12, 2)]
    assert len(vouchers.round_list(last="2026-04")) == 2


# --- errors --------------------------------------------------------------------------------------

VOUCHER = (
    "lever: vouchers, rounds: [2026-01], categories: {catering: 1}, face_yuan: 30, "
    "threshold_yuan: 100, validity_days: 30, allocation: rush, participating_share: 0.5, "
    "funding: {mode: fixed, budget_yi_yuan: 1, match_ratio: 1}"
)
TRADE = (
    "lever: trade_in, start: 2026-01, end: 2026-12, items: {cars: {rate: 0.1, cap_yuan: 9}}, "
    "budget_yi_yuan: 1, payers: {central: 1}"
)


def test_base_cases_are_valid(tmp_path: Path) -> None:
    for text in (WAGE, VOUCHER, TRADE):
        assert lines_of(tmp_path, policy(text)) == []


CASES = {
    "unknown key": (f"{WAGE}, citys: all", "“citys”，是否应为“cities”？"),
    "no such city": (f"{WAGE}, cities: [大莲]", "没有“大莲”这个地区，是否应为“大连”？"),
    "no such city in English": (f"{WAGE}, cities: [shenyan]", "是否应为“shenyang”？"),
    "city twice": (f"{WAGE}, cities: [大连, dalian]", "“dalian”重复出现"),
    "full-width comma": (f"{WAGE}, cities: [沈阳，大连]", "含全角 ， ，或应为半角 ,"),
    "month": (WAGE.replace("2026-04", "2025-13"), "“2025-13”不是有效的年月"),
    "before the window": (WAGE.replace("2026-04", "2025-09"), "不在模拟期 2025-10 至 2028-09"),
    "after the window": (WAGE.replace("2026-04", "2028-10"), "不在模拟期"),
    "end before start": (f"{WAGE}, end: 2026-03", "结束月 2026-03 早于开始月 2026-04"),
    "late announcement": (f"{WAGE}, announce: 2026-05", "晚于开始月"),
    "out of range": (WAGE.replace("10", "51"), "应在 0 到 50 之间（单位：%），实际为 51"),
    "nan": (WAGE.replace("10", ".nan"), "非数"),
    "infinite": (WAGE.replace("10", "1e999"), "无穷大"),
    "huge integer": (WAGE.replace("10", "9" * 5000), "应在 0 到 50 之间|无穷大"),
    "neither": ("lever: minimum_wage, start: 2026-04", "必须且只能写一个"),
    "three tiers": ("lever: minimum_wage, start: 2026-04, tiers_yuan: [1, 2]", "应有 3 项"),
    "lever": ("lever: voucher", "没有“voucher”这个政策工具，是否应为“vouchers”？"),
    "no lever": ("start: 2026-04", "缺少字段“lever”"),
    "missing": (VOUCHER.replace("face_yuan: 30, ", ""), "缺少字段“face_yuan”"),
    "durable": (VOUCHER.replace("catering", "cars"), "“汽车”是耐用品"),
    "category": (VOUCHER.replace("catering", "餐饮"), "是否应为“catering”？"),
    "threshold": (VOUCHER.replace("100", "30"), "门槛 30 元必须为 0 或大于面额 30 元"),
    "shares": (VOUCHER.replace("catering: 1", "catering: 0.5"), "之和应为 1，实际为 0.5"),
    "percent": (VOUCHER.replace("share: 0.5", "share: 50"), "百分数请写作“50%”"),
    "negative days": (VOUCHER.replace("days: 30", "days: -7"), "应在 1 到 180 之间"),
    "half a day": (VOUCHER.replace("days: 30", "days: 1.5"), "应是整数（单位：天）"),
    "target": (f"{VOUCHER}, target: {{quintiles: [1]}}", "只有 allocation: targeted 时"),
    "no target": (VOUCHER.replace("rush", "targeted"), "必须写“target”"),
    "no budget": (VOUCHER.replace("fixed", "cities_decide"), "provincial_quota_yi_yuan"),
    "round twice": (VOUCHER.replace("[2026-01]", "[2026-01, 2026-01]"), "重复"),
    "boolean": (f"{VOUCHER}, digital_required: yes", "应是 true 或 false，实际是文字“yes”"),
    "lag": (f"{TRADE}, reimbursement_lag_months: 2", "只有 payment: reimbursed 时"),
    "rate by date": (TRADE.replace("0.1", "{2026-01: 0.1, 2026-07: -5}"), "rate.2026-07：应在 0"),
    "resident payers": (
        "lever: pensions, start: 2026-07, resident_fixed_yuan: 20",
        "必须写“payers.resident”",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_one_error_one_line(tmp_path: Path, case: str) -> None:
    text, expected = CASES[case]
    found = lines_of(tmp_path, policy(text))
    assert any(part in line for line in found for part in expected.split("|")), found
    assert all(line.startswith("s.yaml:6:") and "\n" not in line for line in found)
    assert len(found) <= 2
    assert lines_of(tmp_path, policy(text), "en") != found


def test_all_errors_at_once_and_sorted(tmp_path: Path) -> None:
    text = "mnths: 3\nstart: 2025-13\nmonths: 0\nscale: big\nseed: -1\n"
    text += "policies: {a: 1, b: {lever: x}}\n"
    found = lines_of(tmp_path, text, "en")
    places = [tuple(map(int, line.split(":")[1:3])) for line in found]
    assert places == sorted(places)
    assert [line for line, _ in places] == [1, 2, 3, 4, 5, 6, 6]
    assert found[0] == 's.yaml:1:1: top level: unknown key "mnths", did you mean "months"?'


def test_errors_name_the_file_that_holds_the_key(tmp_path: Path) -> None:
    write(
        tmp_path,
        START + "policies:\n  p:\n    lever: minimum_wage\n    start: 1999-01\n",
        "base.yaml",
    )
    found = lines_of(tmp_path, "extends: base.yaml\npolicies:\n  p: {increase_percent: 99}\n")
    assert [line.split(": ")[0] for line in found] == ["base.yaml:8:12", "s.yaml:3:25"]


@pytest.mark.parametrize(
    ("second", "collides"),
    [
        (WAGE.replace("2026-04", "2027-01"), True),
        (f"{WAGE}, cities: [大连]", True),
        (WAGE.replace("2026-04", "2025-12") + ", end: 2026-03", False),
        (TRADE, False),
    ],
)
def test_overlapping_policies_name_both(tmp_path: Path, second: str, collides: bool) -> None:
    text = f"{START}policies:\n  first: {{{WAGE}}}\n  second: {{{second}}}\n"
    found = lines_of(tmp_path, text)
    assert bool(found) == collides
    assert all("“second”与“first”重叠" in line for line in found)


def test_vouchers_overlap_only_in_the_same_category_and_people(tmp_path: Path) -> None:
    def pair(second: str) -> list[str]:
        return lines_of(tmp_path, f"{START}policies:\n  a: {{{VOUCHER}}}\n  b: {{{second}}}\n")

    assert pair(VOUCHER)
    assert not pair(VOUCHER.replace("catering", "fuel"))
    assert not pair(VOUCHER.replace("2026-01", "2026-02"))
    assert pair(VOUCHER.replace("2026-01", "2025-12").replace("days: 30", "days: 60"))


def test_parameters_are_checked_against_their_files(tmp_path: Path) -> None:
    good = "numerics.months_per_year"
    text = f"{START}parameters:\n  {good}x: 1\n  {good}: [1]\n"
    found = lines_of(tmp_path, text)
    assert f"是否应为“{good}”？" in found[0]
    assert "应是数值" in found[1]
    unit = f"{START}parameters:\n  {good}: {{value: 12, unit: days, why: 1}}\n"
    assert len(lines_of(tmp_path, unit)) == 2
    scenario = load_scenario(write(tmp_path, f"{START}parameters: {{{good}: {{value: 12}}}}\n"))
    assert scenario.parameter_set()[good] == 12


def test_unusual_parameter_values_are_only_noted(tmp_path: Path) -> None:
    entries = [load_parameters().entry(name) for name in load_parameters()]
    ranged = [e for e in entries if all(isinstance(x, float) for x in (e.value, e.low, e.high))]
    if not ranged:
        pytest.skip("no parameter with a range yet")
    known = ranged[0]
    text = f"{START}parameters: {{{known.name}: {known.high * 2 + 1}}}\n"
    scenario = load_scenario(write(tmp_path, text))
    (line,) = scenario.warning_lines("en")
    assert known.name in line
    assert "outside the plausible range" in line


def test_syntax_errors_are_explained_in_the_reader_s_language(tmp_path: Path) -> None:
    for text in ("a: b: c\n", "a: [1, 2\n", "a: 'x\n", "a: 1\n  b: 2\n", "a: @x\n", "a: 1\nb\n"):
        (line,) = lines_of(tmp_path, text)
        assert "语法有误：" in line
        assert line.split("语法有误：")[1].isascii() is False


# --- extends -------------------------------------------------------------------------------------


def test_extends_merges_replaces_and_removes(tmp_path: Path) -> None:
    text = (
        "extends: headline_package\nmonths: 24\npolicies:\n  pensions: null\n"
        "  vouchers: {categories: {catering: 1}, face_yuan: 20}\n"
        "  trade_in: {items: {cars: null, digital: {rate: 10%}}}\n"
    )
    scenario = load_scenario(write(tmp_path, text))
    assert list(scenario.policies) == ["minimum_wage", "trade_in", "vouchers"]
    assert (scenario.months, scenario.name, scenario.title()) == (24, "s", "s")
    vouchers, trade_in = scenario.policies["vouchers"], scenario.policies["trade_in"]
    assert isinstance(vouchers, Vouchers)
    assert isinstance(trade_in, TradeIn)
    assert (vouchers.categories, vouchers.face_yuan) == ({"catering": 1.0}, 20)
    assert list(trade_in.items) == ["appliances", "digital"]
    assert trade_in.items["digital"].cap_yuan.plain() == 500


def test_circles_and_missing_bases(tmp_path: Path) -> None:
    write(tmp_path, "extends: s.yaml\n", "t.yaml")
    (circle,) = lines_of(tmp_path, "extends: t.yaml\n", "en")
    assert circle.startswith("t.yaml:1:10: extends runs in a circle")
    (missing,) = lines_of(tmp_path, "extends: baselin\n", "en")
    assert missing == 's.yaml:1:10: no scenario "baselin", did you mean "baseline"?'
    assert lines_of(tmp_path, "extends: 3\n")
    assert lines_of(tmp_path, "extends: {a: b}\n")
    assert lines_of(tmp_path, "extends: []\n" + START) == []


@pytest.mark.parametrize(
    "reference",
    ["../outside.yaml", "/etc/passwd", "C:\\x.yaml", "c:/x.yaml", "sub/../../outside.yaml"],
)
def test_extends_never_leaves_the_folder(tmp_path: Path, reference: str) -> None:
    write(tmp_path, START, "outside.yaml")
    inside = tmp_path / "inside"
    (inside / "sub").mkdir(parents=True)
    (line,) = lines_of(inside, f"extends: '{reference}'\n", "en")
    assert "lies outside the folder" in line


def test_extends_does_not_follow_a_link_out_of_the_folder(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    write(tmp_path, START, "outside.yaml")
    try:
        (inside / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    except OSError:
        pytest.skip("no right to create links")
    assert "lies outside" in lines_of(inside, "extends: link.yaml\n", "en")[0]


def test_doubling_chains_end(tmp_path: Path) -> None:
    for level in range(12):
        write(tmp_path, f"extends: [l{level + 1}.yaml, l{level + 1}.yaml]\n", f"l{level}.yaml")
    write(tmp_path, START, "l12.yaml")
    began = time.perf_counter()
    assert lines_of(tmp_path, "extends: l0.yaml\n")
    assert time.perf_counter() - began < 10


# --- texts ---------------------------------------------------------------------------------------


def test_both_languages_have_the_same_texts_and_placeholders() -> None:
    chinese, english = (catalogue(lang) for lang in LANGUAGES)
    assert chinese.keys() == english.keys()
    different = [k for k in chinese if placeholders(chinese[k]) != placeholders(english[k])]
    assert different == []
    assert all(isinstance(text, str) and text for text in (*chinese.values(), *english.values()))


def test_names_of_places_categories_and_levers_are_in_the_catalogue() -> None:
    keys = [f"place.{p}" for p in PLACES] + [f"category.{c}" for c in CATEGORIES]
    keys += [f"lever.{name}" for name in LEVERS]
    keys += [f"who.{mark}" for mark in MARKS] + [f"payer.{bearer}" for bearer in BEARERS]
    assert [k for k in keys if not has_message(k)] == []


def test_say_refuses_unknown_ids_languages_and_fields() -> None:
    assert say("place.dalian", "zh") == "大连"
    for arguments in (("no.such.text", "zh"), ("place.dalian", "fr"), ("read.tag", "en")):
        with pytest.raises(UnknownMessage):
            say(*arguments)


def test_printable_text_has_no_control_characters() -> None:
    assert printable("a\x1b[2J\nb") == "aU+001B[2JU+000Ab"
    assert len(printable("长" * 1000)) == 60

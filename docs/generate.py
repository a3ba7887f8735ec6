"""Writes the parts of the documentation that would otherwise go stale.

    python docs/generate.py                       rewrite every generated part
    python docs/generate.py --pictures FOLDER     first take charts and figures from a run folder

A generated part stands between `<!-- generated: NAME -->` and `<!-- end of generated -->`. The
tests compare each part with what this script gives, so a changed setting, parameter or message
that is not followed here fails a test. Needs the project's environment.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from docs import package_pages, replication_pages
from docs.measure_pages import measures
from experiments.grades import typical_grade
from model.dimensions import CATEGORIES, DURABLE_CATEGORIES, PLACES
from model.messages import say
from model.parameters import GRADES, load_parameters
from model.policy.quantities import UNITS
from model.policy.settings import LEVERS
from model.scenario import ScenarioError, load_scenario
from model.scenario_schema import explain_setting, setting_names

ROOT: Final = Path(__file__).resolve().parents[1]
PICTURES: Final = ROOT / "docs" / "pictures"
FIGURES: Final = PICTURES / "headline_package.json"
CHARTS: Final = ("monthly_path.zh.png", "monthly_path.en.png")
PAGES: Final = (
    "README.md", "docs/scenarios.md", "docs/parameters.md", "docs/measures.md",
    "docs/measures.zh.md", "docs/replications.md", "docs/replications.zh.md", "docs/add_a_study.md",
    "docs/add_a_study.zh.md", "docs/packages.md", "docs/packages.zh.md",
)  # fmt: skip
PART: Final = re.compile(
    r"(?P<head><!-- generated: (?P<name>[\w.]+) -->\n).*?(?P<tail><!-- end of generated -->)",
    re.DOTALL,
)
SMALL_RATIO: Final = 0.1
LADDER: Final = {
    "headline_sales": ("挂钩销售额", "Sales tied to the money"),
    "window": ("资金发放期内居民消费", "Household consumption while money is paid"),
    "household_12m": ("到第12个月居民消费", "Household consumption to month 12"),
    "household_24m": ("到第24个月居民消费", "Household consumption to month 24"),
    "household_36m": ("到第36个月居民消费", "Household consumption to month 36"),
    "local_value_added": ("本地增加值", "Local value added"),
    "fiscal_return": ("税费回流", "Taxes that flow back"),
}
ANSWERS: Final = {
    "headline_sales": (
        "用券、领补贴的单子一共卖了多少",
        "All that subsidised bills rang up",
    ),
    "window": ("政策还在发钱时，居民多花多少", "What households add while the money flows"),
    "household_12m": ("头一年，连同观望和回落", "The first year, waiting and payback included"),
    "household_24m": ("两年", "Two years"),
    "household_36m": ("三年", "Three years"),
    "local_value_added": (
        "有多少留在辽宁，成为工资、利润和税",
        "What stays in Liaoning",
    ),
    "fiscal_return": ("各级财政收回多少", "What the budgets get back"),
}
GROUPS: Final = {
    "consumption": ("居民消费与储蓄问题", "the household's consumption problem"),
    "durables": ("耐用品的价格、寿命和更换", "durables: prices, lives, replacement"),
    "firms": ("企业的定价、用工和投资", "firms: prices, jobs, investment"),
    "government": ("财政收支、税率、债务", "budgets, tax rates, debt"),
    "history": (
        "2019—2024 年的外部条件，平时不起作用",
        "outside conditions of 2019-2024, off by default",
    ),
    "households": ("用券、购物、养老金和最低工资的行为", "vouchers, purchases, pensions, wages"),
    "labour": ("离职、求职、工资、失业金", "separations, matching, wages, benefit"),
    "numerics": ("数值设置（不算证据）", "numerical settings (not evidence)"),
    "outside": ("省外购物、外销、游客", "shopping outside, exports, visitors"),
    "population": ("合成人口的边际分布", "margins of the synthetic population"),
    "production": ("投入产出系数", "input-output coefficients"),
    "spending": ("消费结构与季节", "budget shares and season"),
}
FAULTS: Final = (
    ("face_yuan: 30", "face_yuan: 三十元"),
    ("threshold_yuan: 100", "threshold_yuan: 20"),
    ("validity_days: 15", "validity_days: 15 元"),
    ("lever: vouchers", "lever: voucher"),
    ("cities: [大连]", "cities: [大莲]"),
    ("{catering: 60%, fuel: 40%}", "{catering: 60%, appliances: 40%}"),
    ("{catering: 60%, fuel: 40%}", "{catering: 60%, fuel: 30%}"),
)
SOUND: Final = """\
extends: baseline
policies:
  spring:
    lever: vouchers
    rounds: [{month: 2026-05}]
    categories: {catering: 60%, fuel: 40%}
    face_yuan: 30
    threshold_yuan: 100
    validity_days: 15
    allocation: rush
    participating_share: 50%
    funding: {mode: fixed, budget_yi_yuan: 0.5, match_ratio: 1}
    cities: [大连]
"""
MEASURE_FAULTS: Final = (
    ("12: {}", "36: {}"),
    ("12: {}", "childcare_places: {}"),
    ("level: high", "level: strong"),
    ("start: 2026-04", "begin: 2026-04"),
    ("start: 2026-04", "start: 2024-01"),
    ("promotion_events: 5000", "promotion_event: 5000"),
    ("promotion_events: 5000", "promotion_events: 5000 场"),
)
SOUND_MEASURES: Final = """\
extends: baseline
measures:
  12: {}
  23:
    level: high
    start: 2026-04
    levers: {promotion_events: 5000}
"""


def index_of(lang: str) -> int:
    """Position of a language in the pairs above."""
    return ("zh", "en").index(lang)


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, *rows)]
    lines.insert(1, "|" + "---|" * len(head))
    return "\n".join(lines) + "\n"


# --- a real result ----------------------------------------------------------------------------


def take_pictures(run: Path) -> None:
    """Copy charts and the figures of the README from a run folder of `tizhen compare`."""
    PICTURES.mkdir(exist_ok=True)
    for name in CHARTS:
        shutil.copyfile(run / "charts" / name, PICTURES / name)
    found = json.loads((run / "comparison.json").read_text(encoding="utf-8"))
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    kept = {
        "command": found["command"],
        "window": found["window"],
        "leverage": found["leverage_intervals"],
        "digests": manifest["digests"],
    }
    FIGURES.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def ladder(lang: str) -> str:
    """The seven ratios of the headline package, with the command that gives them."""
    kept, at = json.loads(FIGURES.read_text(encoding="utf-8")), index_of(lang)
    head = (("每花1元财政资金", "90%区间", "回答什么"), ("Per fiscal yuan", "90 %", "Answers"))[at]
    rows = []
    for name, words in LADDER.items():
        one = kept["leverage"][name]
        # A ratio of some hundredths would lose its interval to rounding.
        places = 2 if abs(one["value"]) >= SMALL_RATIO else 3
        value, low, high = (f"{one[key]:.{places}f}" for key in ("value", "low", "high"))
        rows.append((f"{words[at]} **{value}**", f"{low}–{high}", ANSWERS[name][at]))
    code = kept["digests"]["code"][:12]
    note = (
        f"\n命令：`{kept['command']}`；模型代码指纹 {code}。\n",
        f"\nCommand: `{kept['command']}`; digest of the model's code {code}.\n",
    )
    return table(head, rows) + note[at]


# --- scenario reference -----------------------------------------------------------------------


def setting_table(lever: str, lang: str) -> str:
    """Every setting of a lever (or, for "", of the head of a file): unit, limits, meaning."""
    rows = []
    for name in setting_names():
        prefix, _, rest = name.partition(".")
        if (prefix if rest else "") != lever:
            continue
        found = explain_setting(name, lang)
        limits = "" if found["low"] is None else f"{found['low']:g}–{found['high']:g}"
        needed = ("是", "yes")[index_of(lang)] if found["required"] else ""
        rows.append((f"`{rest or name}`", needed, found["unit"], limits, found["about"]))
    heads = (
        ("设置", "必填", "单位", "范围", "含义"),
        ("setting", "needed", "unit", "range", "meaning"),
    )
    return table(heads[index_of(lang)], [tuple(_escaped(c) for c in row) for row in rows])


def _escaped(text: str) -> str:
    return text.replace("{{", "{").replace("}}", "}").replace("|", r"\|")


def all_settings(lang: str) -> str:
    """The reference of all levers."""
    blocks = [("", ("文件开头", "Head of the file")[index_of(lang)])]
    blocks += [(lever, f"{say(f'lever.{lever}', lang)} `{lever}`") for lever in LEVERS]
    return "\n".join(f"#### {title}\n\n{setting_table(at, lang)}" for at, title in blocks)


def names(lang: str) -> str:
    """Identifiers of places and categories with their words."""
    durable = [c for c in CATEGORIES if c in DURABLE_CATEGORIES]
    others = [c for c in CATEGORIES if c not in DURABLE_CATEGORIES]
    rows = []
    for title, prefix, members in (
        (("地区", "places"), "place", PLACES),
        (("消费券可用的类别", "categories open to vouchers"), "category", others),
        (("以旧换新的品类", "groups of trade-in"), "category", durable),
    ):
        words = ", ".join(f"`{m}` {say(f'{prefix}.{m}', lang)}" for m in members)
        rows.append((title[index_of(lang)], words))
    return table((("项目", "标识"), ("what", "identifiers"))[index_of(lang)], rows)


def units(lang: str) -> str:
    """What may be written after a number, by the unit of the setting."""
    heads = (("设置的单位", "可以写作"), ("unit of the setting", "may be written"))
    rows = [
        (say(f"unit.{unit}", lang), ", ".join(f"`{word}`" for word in words))
        for unit, words in UNITS.items()
    ]
    return table(heads[index_of(lang)], rows)


def fault_lines(
    sound: str, slips: Sequence[tuple[str, str]], lang: str
) -> Iterator[tuple[str, str]]:
    """(what is written wrongly, the message) for a few common slips in a sound scenario."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "my.yaml"
        for right, wrong in slips:
            if right not in sound:
                raise RuntimeError(f"{right!r} is not in the sound scenario")
            path.write_text(sound.replace(right, wrong), encoding="utf-8")
            try:
                load_scenario(path, lang)
            except ScenarioError as error:
                line = error.lines[0]
                for shown in (path.as_posix(), str(path)):
                    line = line.replace(shown, "my.yaml")
                yield wrong, line
            else:
                raise RuntimeError(f"no fault found in {wrong!r}")


def faults(lang: str, sound: str = SOUND, slips: Sequence[tuple[str, str]] = FAULTS) -> str:
    """The messages as they are printed."""
    heads = (("写成", "程序说"), ("written", "the program says"))
    rows = [(f"`{a}`", f"`{_escaped(b)}`") for a, b in fault_lines(sound, slips, lang)]
    return table(heads[index_of(lang)], rows)


def measure_faults(lang: str) -> str:
    """The same for the section `measures:`."""
    return faults(lang, SOUND_MEASURES, MEASURE_FAULTS)


# --- parameters -------------------------------------------------------------------------------


def grade_table(_: str) -> str:
    """Number of parameters by group and grade."""
    known = load_parameters()
    counts: dict[str, Counter[str]] = {group: Counter() for group in GROUPS}
    for name in known:
        counts[name.partition(".")[0]][known.entry(name).grade] += 1
    rows = [
        (f"`{group}.`", f"{GROUPS[group][0]} · {GROUPS[group][1]}", *_row(found))
        for group, found in counts.items()
    ]
    evidence = sum((c for g, c in counts.items() if g != "numerics"), Counter[str]())
    rows.append(("", "**合计（不含数值设置）· total without numerics**", *_row(evidence)))
    head = ("组 · group", "内容 · content", *GRADES, "合计 · all", "中位 · median")
    return table(head, rows)


def _row(found: Counter[str]) -> tuple[str, ...]:
    return (*(str(found[g]) for g in GRADES), str(sum(found.values())), typical_grade(found))


# --- pages ------------------------------------------------------------------------------------

PARTS: Final[dict[str, Callable[[str], str]]] = {
    "ladder": ladder,
    "settings": all_settings,
    "names": names,
    "units": units,
    "faults": faults,
    "measure_faults": measure_faults,
    "grades": grade_table,
    "measures": measures,
    "replications": replication_pages.replications,
    "study_example": replication_pages.example_run,
    "package_sections": package_pages.sections,
    "package_measures": package_pages.measures,
    "package_pairs": package_pages.pairs,
}


def part(name: str) -> str:
    """Text of a generated part such as `settings.zh`. Raises KeyError."""
    kind, _, lang = name.partition(".")
    return PARTS[kind](lang)


def rewritten(text: str) -> str:
    """A page with its generated parts as they should be."""

    def fill(found: re.Match[str]) -> str:
        return f"{found['head']}\n{part(found['name'])}\n{found['tail']}"

    return PART.sub(fill, text)


def main(arguments: list[str] | None = None) -> None:
    """Take pictures if asked, then rewrite every page that differs."""
    options: Any = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pictures", type=Path, metavar="FOLDER")
    asked = options.parse_args(arguments)
    if asked.pictures:
        take_pictures(asked.pictures)
    replication_pages.draw()
    package_pages.draw()
    for name in PAGES:
        path = ROOT / name
        before = path.read_text(encoding="utf-8")
        after = rewritten(before)
        if after != before:
            path.write_text(after, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()

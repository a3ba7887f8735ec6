from __future__ import annotations

from collections import Counter

import pytest

from briefing.summary import RunFacts, comparison_summary, run_summary
from experiments.comparison import collect
from experiments.runner import Runner
from model.messages import catalogue, placeholders
from tests.fake_economy import FakeEconomy, FakeScenario, policy

FACTS = RunFacts(
    {"zh": "大连消费券", "en": "Dalian vouchers"},
    {"zh": "基线", "en": "Baseline"},
    "tizhen compare scenarios/x.yaml --seed 1",
    "a" * 64,
    "b" * 64,
    Counter({"A": 3, "D": 2}),
)


def summary(run: FakeScenario, lang: str, seeds: int = 2) -> str:
    runner = Runner(economy=FakeEconomy)
    pairs = runner.pairs(FakeScenario(), run, list(range(1, seeds + 1)))
    return comparison_summary(collect(pairs), FACTS, lang)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_summary_says_what_a_reader_must_know(lang: str) -> None:
    page = summary(policy(), lang)
    for needed in (FACTS.policy_title[lang], FACTS.command, "aaaaaaaaaaaa", "17,000", "1,000"):
        assert needed in page
    assert "90%" in page
    assert "{" not in page
    assert ("沈阳" if lang == "zh" else "Shenyang") in page


def test_one_replication_is_called_preliminary() -> None:
    warning = catalogue("zh")["summary.quick_warning"]
    assert warning in summary(policy(), "zh", seeds=1)
    assert warning not in summary(policy(), "zh")


def test_nothing_changed_is_said_as_zero() -> None:
    page = summary(FakeScenario(), "zh")
    assert catalogue("zh")["summary.zero"] in page
    assert catalogue("zh")["summary.none"] in page


def test_languages_hold_the_same_texts() -> None:
    zh, en = (
        {k: v for k, v in catalogue(x).items() if k.startswith("summary.")} for x in ("zh", "en")
    )
    assert zh.keys() == en.keys()
    assert all(placeholders(zh[key]) == placeholders(en[key]) for key in zh)


def test_run_summary() -> None:
    assert "3.00亿元" in run_summary({"household_consumption": 3e8}, "基线", 12, 1.25, "zh")

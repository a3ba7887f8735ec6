"""The pages of the 35 measures, written from the catalogue. Used by `docs/generate.py`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from briefing.text import t
from model.messages import say
from model.policy.catalogue import DeclaredOutcome, Measure, MeasureLever, load_catalogue

SIGNS: Final = {"+": "↑", "-": "↓", "0": "○"}
WORDS: Final = {
    "zh": {
        "departments": "责任部门",
        "and_others": "等",
        "kind": "类别",
        "evidence": "证据",
        "grade": "级",
        "clauses": "条款",
        "targets": "文件里的数字",
        "levers": "参数",
        "lever_head": "参数|条款|含义|单位|不实施|默认|范围|证据|来源",
        "outcomes": "应看到的效果（24 个月；除注明者外，运行之前写定）",
        "revised": "首次运行后改过",
        "missed": "模型没有得到",
        "outcome_head": "结果|方向|范围|理由",
        "mechanisms": "机制",
        "overview_head": "编号|举措|类别|证据|条款|参数|机制",
    },
    "en": {
        "departments": "departments",
        "and_others": "and others",
        "kind": "class",
        "evidence": "evidence",
        "grade": "",
        "clauses": "Clauses",
        "targets": "Numbers of the document",
        "levers": "Levers",
        "lever_head": "lever|clauses|meaning|unit|without|default|range|evidence|source",
        "outcomes": "What should be seen (24 months; written before any run unless it says so)",
        "revised": "Changed after the first runs",
        "missed": "Not found by the model",
        "outcome_head": "outcome|sign|band|because",
        "mechanisms": "mechanisms",
        "overview_head": "no.|measure|class|evidence|clauses|levers|mechanisms",
    },
}


def measures(lang: str) -> str:
    """All measures: an overview, then each with clauses, levers and declared outcomes."""
    known = list(load_catalogue().values())
    parts = ["\n".join(_table(WORDS[lang]["overview_head"], _overview(known, lang)))]
    section = ""
    for measure in known:
        if getattr(measure.section, lang) != section:
            section = getattr(measure.section, lang)
            parts.append(f"## {section}")
        parts += _page(measure, lang)
    return "\n\n".join(parts) + "\n"


def _cell(text: object) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")


def _table(head: str, rows: list[tuple[object, ...]]) -> Iterator[str]:
    names = head.split("|")
    yield "| " + " | ".join(names) + " |"
    yield "|" + "---|" * len(names)
    for row in rows:
        yield "| " + " | ".join(_cell(value) for value in row) + " |"


def _overview(known: list[Measure], lang: str) -> list[tuple[object, ...]]:
    return [
        (
            measure.number,
            getattr(measure.title, lang),
            say(f"kind_of_measure.{measure.kind}", lang),
            measure.evidence.grade,
            len(measure.clauses),
            len(measure.levers),
            _mechanisms(measure, lang),
        )
        for measure in known
    ]


def _mechanisms(measure: Measure, lang: str) -> str:
    kinds = dict.fromkeys(str(policy["lever"]) for policy in measure.policies.values())
    return ("、" if lang == "zh" else ", ").join(t(f"lever.{kind}", lang) for kind in kinds)


def _page(measure: Measure, lang: str) -> list[str]:
    words = WORDS[lang]
    others = words["and_others"] if measure.departments_and_others else ""
    names = "、".join(measure.departments)
    kind = say(f"kind_of_measure.{measure.kind}", lang)
    note = getattr(measure.evidence.note, lang)
    ids = ", ".join(measure.evidence.ids)
    grade = f"{measure.evidence.grade}{words['grade']}"
    colon = "：" if lang == "zh" else ": "
    head = [
        f"- {words['departments']}{colon}{names} {others}".rstrip(),
        f"- {words['kind']}{colon}{kind}",
        f"- {words['mechanisms']}{colon}{_mechanisms(measure, lang)}",
        f"- {words['evidence']}{colon}{grade} {note} {ids}".rstrip(),
    ]
    clauses = [f"- **{clause.id}** {getattr(clause, lang)}" for clause in measure.clauses]
    parts = [
        f"### {measure.number} {getattr(measure.title, lang)}",
        "\n".join(head),
        f"{words['clauses']}{colon}",
        "\n".join(clauses),
    ]
    if measure.targets:
        parts += [f"{words['targets']}{colon}", "\n".join(_targets(measure, lang))]
    levers = [_lever(name, lever, lang) for name, lever in measure.levers.items()]
    parts += [f"{words['levers']}{colon}", "\n".join(_table(words["lever_head"], levers))]
    outcomes = [
        (
            t(f"outcome.{one.outcome}", lang),
            SIGNS[one.sign],
            f"{one.low:g} – {one.high:g} {say(f'cli.measures.unit.{one.outcome}', lang)}",
            _because(one, lang),
        )
        for one in measure.outcomes
    ]
    parts += [f"{words['outcomes']}{colon}", "\n".join(_table(words["outcome_head"], outcomes))]
    return parts


def _because(outcome: DeclaredOutcome, lang: str) -> str:
    """The reason, and what was found if the declaration was changed or is missed."""
    reason = str(getattr(outcome.because, lang))
    if outcome.found is None:
        return reason
    colon = "：" if lang == "zh" else ": "
    return f"{reason} **{WORDS[lang][outcome.status]}**{colon}{getattr(outcome.found, lang)}"


def _targets(measure: Measure, lang: str) -> Iterator[str]:
    for target in measure.targets:
        until = f" ({target.deadline})" if target.deadline else ""
        carried = f" → `{target.lever}`" if target.lever else ""
        yield f"- {getattr(target, lang)}: {target.value} {target.unit}{until}{carried}"


def _lever(name: str, lever: MeasureLever, lang: str) -> tuple[object, ...]:
    ids = " ".join(lever.evidence)
    return (
        f"`{name}`",
        ", ".join(lever.clauses),
        getattr(lever, lang),
        getattr(lever.unit, lang),
        f"{lever.no_policy:g}",
        f"{lever.default:g}",
        f"{lever.low:g} – {lever.high:g}",
        f"{lever.grade} {ids}".strip(),
        lever.source,
    )

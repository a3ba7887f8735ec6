"""The commands measures and coverage: the 35 measures, and how each clause is carried."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.console import (
    EXIT_FAULT,
    HELP,
    Console,
    JsonOption,
    LangOption,
    QuietOption,
    console_for,
)
from briefing.text import t
from model.messages import say

if TYPE_CHECKING:
    from experiments.measure_table import Row
    from model.policy.catalogue import Measure
    from model.policy.coverage import Covered

NumberArgument = Annotated[
    str | None, typer.Argument(metavar="[NUMBER]", help=say("cli.argument.measure", HELP))
]
SIGNS = {"+": "↑", "-": "↓", "0": "○"}


EffectsOption = Annotated[
    int | None,
    typer.Option("--effects", help=say("cli.measures.option.effects", HELP), show_default=False),
]


def measures(
    context: typer.Context,
    number: NumberArgument = None,
    effects: EffectsOption = None,
    lang: LangOption = None,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """List the measures, or show one with clauses, levers and sources."""
    from model.policy.catalogue import load_catalogue

    console = console_for(context, lang, json_output, quiet)
    known = load_catalogue()
    if effects is not None:
        if effects < 1:
            raise console.refuse([console.say("summary.fault.replications", value=effects)])
        return _effects(console, effects)
    if number is None:
        return _list(console, list(known.values()))
    if not number.isdigit() or int(number) not in known:
        line = console.say("cli.measures.unknown", number=number, count=len(known))
        raise console.refuse([line])
    chosen = known[int(number)]
    console.document([_plain(chosen)])
    return _show(console, chosen)


def _plain(measure: Measure) -> dict[str, Any]:
    """The stable keys of the machine-readable list, then the rest."""
    outcomes = [
        {"outcome": o.outcome, "sign": o.sign, "low": o.low, "high": o.high}
        for o in measure.outcomes
    ]
    levers = [
        {"name": name, **lever.model_dump(mode="json")} for name, lever in measure.levers.items()
    ]
    rest = measure.model_dump(mode="json", exclude={"number", "levers", "outcomes", "title"})
    return {
        "number": measure.number,
        "title_zh": measure.title.zh,
        "title_en": measure.title.en,
        "kind": measure.kind,
        "grade": measure.evidence.grade,
        "levers": levers,
        "outcomes": outcomes,
        **rest,
    }


def _list(console: Console, known: list[Measure]) -> None:
    console.document([_plain(measure) for measure in known])
    for measure in known:
        moved = [
            SIGNS[o.sign] + t(f"outcome.{o.outcome}", console.lang)
            for o in measure.outcomes
            if o.outcome != "fiscal_cost"
        ]
        fields: dict[str, object] = {
            "number": measure.number,
            "title": getattr(measure.title, console.lang),
            "kind": console.say(f"kind_of_measure.{measure.kind}"),
            "grade": measure.evidence.grade,
            "levers": len(measure.levers),
            "clauses": len(measure.clauses),
            "budget": budget_text(console.lang, measure),
            "outcomes": console.say("cli.measures.and").join(moved),
        }
        console.result(console.say("cli.measures.row", **fields))


def _effects(console: Console, replications: int) -> None:
    """Run every measure by itself and print what it does."""
    from experiments.measure_table import measure_rows
    from model.scenario import load_scenario

    def tell(number: int) -> None:
        console.note(console.say("cli.measures.progress", number=number))

    rows = measure_rows(load_scenario("baseline"), replications, tell)
    console.document([row.plain() for row in rows])
    for line in effects_table(rows, console.lang):
        console.result(line)
    command = f"tizhen measures --effects {replications}"
    console.result("\n" + console.say("summary.command", command=command))


def effects_table(rows: list[Row], lang: str) -> list[str]:
    """Markdown lines: a measure a row, yi yuan and persons with 90 % intervals."""
    from briefing.summary import figure
    from model.policy.catalogue import load_catalogue

    known, head = load_catalogue(), say("cli.measures.effects_head", lang)
    lines = [f"| {head} |", "|" + "---|" * (head.count("|") + 1)]
    for row in rows:
        money = [one.scaled(1e8) for one in (row.consumption, row.value_added, row.cost)]
        consumption, added, cost = (figure(one, "yuan", lang) for one in money)
        ratio = "–" if row.per_yuan is None else figure(row.per_yuan, "ratio", lang)
        cells = [
            str(row.number),
            getattr(known[row.number].title, lang),
            row.grade,
            consumption,
            cost if row.per_yuan is not None else "–",
            ratio,
            added,
            figure(row.employment, "persons", lang),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def budget_text(lang: str, measure: Measure) -> str:
    """Declared public money over 24 months, or that there is none."""
    declared = [o for o in measure.outcomes if o.outcome == "fiscal_cost" and o.sign != "0"]
    if not declared:
        return say("cli.measures.no_money", lang)
    low, high = declared[0].low, declared[0].high
    return say("cli.measures.money", lang, low=f"{low:g}", high=f"{high:g}")


def _show(console: Console, measure: Measure) -> None:
    lang = console.lang
    console.result(f"{measure.number} {getattr(measure.title, lang)}")
    departments = console.say("cli.measures.and").join(measure.departments)
    console.result("  " + console.say("cli.measures.departments", names=departments))
    kind = console.say(f"kind_of_measure.{measure.kind}")
    console.result("  " + console.say("cli.measures.kind", kind=kind, start=measure.start))
    note = getattr(measure.evidence.note, lang)
    grade = measure.evidence.grade
    console.result("  " + console.say("cli.measures.evidence", grade=grade, note=note))
    for clause in measure.clauses:
        console.result(f"\n  {clause.id} {getattr(clause, lang)}")
        for name in measure.clause_levers()[clause.id]:
            _show_lever(console, measure, name)
    console.result("")
    for outcome in measure.outcomes:
        fields: dict[str, object] = {
            "outcome": t(f"outcome.{outcome.outcome}", lang),
            "sign": SIGNS[outcome.sign],
            "low": f"{outcome.low:g}",
            "high": f"{outcome.high:g}",
            "unit": console.say(f"cli.measures.unit.{outcome.outcome}"),
            "because": getattr(outcome.because, lang),
        }
        console.result("  " + console.say("cli.measures.outcome", **fields))


def _show_lever(console: Console, measure: Measure, name: str) -> None:
    lever, lang = measure.levers[name], console.lang
    reached = dict.fromkeys(
        str(measure.policies[policy]["lever"]) for policy in measure.lever_policies()[name]
    )
    fields: dict[str, object] = {
        "name": name,
        "about": getattr(lever, lang),
        "unit": getattr(lever.unit, lang),
        "none": f"{lever.no_policy:g}",
        "default": f"{lever.default:g}",
        "low": f"{lever.low:g}",
        "high": f"{lever.high:g}",
        "grade": lever.grade,
        "source": lever.source,
        "mechanisms": console.say("cli.measures.and").join(
            say(f"lever.{k}", lang) for k in reached
        ),
    }
    console.result("    - " + console.say("cli.measures.lever", **fields))
    console.result("      " + console.say("cli.measures.source", **fields))


def project_root() -> Path | None:
    """Folder of the project if the program runs from one, else None."""
    root = Path(__file__).resolve().parents[1]
    return root if (root / "pyproject.toml").is_file() else None


def coverage(
    context: typer.Context,
    lang: LangOption = None,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Trace every clause to lever, mechanism and test; exit code 1 if one has none."""
    from model.policy.catalogue import load_catalogue
    from model.policy.coverage import coverage as traced

    console = console_for(context, lang, json_output, quiet)
    rows = traced(project_root())
    missing = [row.clause for row in rows if not row.complete]
    totals: dict[str, Any] = {
        "measures": len(load_catalogue()),
        "clauses": len(rows),
        "clauses_with_lever": sum(bool(row.levers) for row in rows),
        "clauses_with_test": sum(bool(row.tests) for row in rows),
        "missing": missing,
    }
    console.document(totals | {"rows": [row.plain() for row in rows]})
    if not console.quiet:
        for row in rows:
            console.result(_row(row))
    shown = {key: value for key, value in totals.items() if key != "missing"}
    console.result(console.say("cli.coverage.total", **shown))
    if missing:
        console.error(console.say("cli.coverage.missing", clauses=", ".join(missing)))
        raise typer.Exit(EXIT_FAULT)


def _row(row: Covered) -> str:
    levers = ", ".join(row.levers) or "-"
    mechanisms = ", ".join(row.mechanisms) or "-"
    return f"{row.clause:>5}  {levers}  →  {mechanisms}  →  {len(row.tests)}"

"""The 35 measures of the provincial document, each a file of `model/policy/measures/`.

A measure has clauses (verbatim), levers with ranges and sources, and policies: uses of the levers
of `policy.settings` whose settings refer to the measure's levers. A setting is a plain value, or

- `{lever: X}`: the value of lever X;
- `{rise: X, times: [constants]}`: the product of the constants and (value - no_policy);
- `{growth: X, times: [constants]}`: the product of the constants and 100 (value / no_policy - 1);
- `{sum: [references]}`: the sum of several;
- `{start: n}`: n months after the first month of the measure.

Levers have a role: a `dose` makes the measure stronger, a `weakening` lever weaker when it
grows; a `structural` one describes how it works and has no "without". At level "low" or "high" all
levers take the end of their range at which the measure is weakest or strongest, structural ones
their default; at level "none" every lever has its no-policy value and structural ones theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from model.parameters import yaml_documents
from model.policy.quantities import month_number, month_text
from model.policy.settings import LEVERS

LEVELS: Final = ("none", "low", "default", "high")
PREFIX: Final = "m{number:02d}_"
OUTCOMES: Final = (
    "household_consumption",
    "bottom40_consumption",
    "retail_sales",
    "local_value_added",
    "employment",
    "price_level",
    "fiscal_cost",
    "income",
)
Grade = Literal["A", "B", "C", "D"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Words(_Part):
    """A text in both languages."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class Evidence(_Part):
    """How well the measure's mechanism is documented, and by which entries of the evidence list."""

    grade: Grade
    ids: tuple[str, ...]
    note: Words


class Clause(Words):
    """One clause of the document."""

    id: str


class Target(Words):
    """A number that the document itself sets; `lever` carries it if one does."""

    clause: str
    value: float | str
    unit: str
    deadline: str | int | None = None
    lever: str | None = None


class MeasureLever(Words):
    """A number that an analyst may choose: its range, source and evidence."""

    clauses: tuple[str, ...] = Field(min_length=1)
    unit: Words
    no_policy: float
    default: float
    low: float
    high: float
    role: Literal["dose", "weakening", "structural"] = "dose"
    whole: bool = False  # counts and whole months
    source: str
    basis: Literal["policy_text", "retrieved", "recalled", "assumption"]
    grade: Grade
    evidence: tuple[str, ...] = ()
    date: str

    @model_validator(mode="after")
    def _ordered(self) -> MeasureLever:
        if not self.low <= self.default <= self.high:
            raise ValueError("low <= default <= high must hold")
        return self

    def at(self, level: str) -> float:
        """The lever's value at a level of the measure."""
        if level == "none":
            return self.no_policy
        if level == "default" or self.role == "structural":
            return self.default
        strong = (level == "high") == (self.role == "dose")
        return self.high if strong else self.low


class Constant(Words):
    """A number that translates a lever into a setting."""

    value: float
    unit: str
    low: float
    high: float
    source: str
    grade: Grade
    date: str


class DeclaredOutcome(_Part):
    """What the measure is said to move over 24 months: sign and band of the default effect.

    Unit: yi yuan, for employment persons, for the price level percent. Sign "0": nothing that
    could be told from chance. Declarations are made before any run. `status` "revised": changed
    after the first runs, `found` says what had been declared and why it changed; "missed": the
    declaration stands although the model says otherwise, `found` says what it finds and why.
    """

    outcome: Literal[OUTCOMES]  # type: ignore[valid-type]
    sign: Literal["+", "-", "0"]
    low: float
    high: float
    because: Words
    status: Literal["as_declared", "revised", "missed"] = "as_declared"
    found: Words | None = None

    @model_validator(mode="after")
    def _explained(self) -> DeclaredOutcome:
        if (self.status == "as_declared") != (self.found is None):
            raise ValueError("a revised or missed declaration says in `found` what was found")
        return self


class Measure(_Part):
    """One measure."""

    number: int = Field(ge=1, le=35)
    name: str
    title: Words
    section: Words
    departments: tuple[str, ...]
    departments_and_others: bool
    kind: Literal["direct", "indirect", "enabling"] = Field(alias="class")
    start: str
    evidence: Evidence
    clauses: tuple[Clause, ...] = Field(min_length=1)
    targets: tuple[Target, ...]
    levers: dict[str, MeasureLever] = Field(min_length=1)
    constants: dict[str, Constant]
    policies: dict[str, dict[str, Any]] = Field(min_length=1)
    outcomes: tuple[DeclaredOutcome, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Measure:
        problems = list(_problems(self))
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def prefix(self) -> str:
        """What the names of its policies begin with in a scenario."""
        return PREFIX.format(number=self.number)

    def values(self, level: str = "default", chosen: Mapping[str, float] | None = None) -> Values:
        """Lever values at `level`, with some chosen by hand."""
        found = {name: lever.at(level) for name, lever in self.levers.items()}
        return found | dict(chosen or {})

    def expand(self, values: Mapping[str, float], start: str | None = None) -> Policies:
        """Policies of the measure as plain settings, by their name in a scenario."""
        first = start or self.start
        found: Policies = {}
        for name, template in self.policies.items():
            needs = template.get("needs", ())
            if needs and all(values[lever] == self.levers[lever].no_policy for lever in needs):
                continue
            settings = {key: value for key, value in template.items() if key != "needs"}
            if "start" in LEVERS[template["lever"]].model_fields:
                settings.setdefault("start", first)
            found[self.prefix + name] = self._resolve(settings, values, first)
        return found

    def _resolve(self, node: Any, values: Mapping[str, float], first: str) -> Any:
        if isinstance(node, list):
            return [self._resolve(part, values, first) for part in node]
        if not isinstance(node, Mapping):
            return node
        if set(node) == {"start"} and isinstance(node["start"], int):
            return month_text(month_number(first) + node["start"])
        if is_reference(node):
            return round(self._number(node, values), 12)
        return {key: self._resolve(value, values, first) for key, value in node.items()}

    def _number(self, node: Mapping[str, Any], values: Mapping[str, float]) -> float:
        if "sum" in node:
            return sum(self._number(part, values) for part in node["sum"])
        result = 1.0
        for name in node.get("times", ()):
            result *= self.constants[name].value
        if "lever" in node:
            return result * values[node["lever"]]
        if "rise" in node:
            return result * (values[node["rise"]] - self.levers[node["rise"]].no_policy)
        growth = values[node["growth"]] / self.levers[node["growth"]].no_policy - 1.0
        return result * 100.0 * growth

    def clause_levers(self) -> dict[str, list[str]]:
        """Levers of each clause."""
        return {
            clause.id: [name for name, lever in self.levers.items() if clause.id in lever.clauses]
            for clause in self.clauses
        }

    def lever_policies(self) -> dict[str, list[str]]:
        """Policies (names in this file) that each lever reaches."""
        reached: dict[str, list[str]] = {name: [] for name in self.levers}
        for name, template in self.policies.items():
            for lever in dict.fromkeys((*references(template), *template.get("needs", ()))):
                reached.setdefault(lever, []).append(name)
        return reached


Values = dict[str, float]
Policies = dict[str, dict[str, Any]]
_KINDS: Final = ({"lever"}, {"rise"}, {"growth"}, {"sum"})


def is_reference(node: Any) -> bool:
    """Whether a node of a policy stands for a number of the measure."""
    return isinstance(node, Mapping) and set(node) - {"times"} in _KINDS


def references(node: Any) -> Iterator[str]:
    """Names of the levers that a policy's settings refer to."""
    if isinstance(node, list):
        for part in node:
            yield from references(part)
    elif is_reference(node):
        for key in ("lever", "rise", "growth"):
            if key in node:
                yield node[key]
        yield from references(node.get("sum", []))
    elif isinstance(node, Mapping):
        for value in node.values():
            yield from references(value)


def _constants(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for part in node:
            yield from _constants(part)
    elif isinstance(node, Mapping):
        yield from node["times"] if is_reference(node) and "times" in node else ()
        for key, value in node.items():
            if key != "times":
                yield from _constants(value)


def _problems(measure: Measure) -> Iterator[str]:
    """Names that do not exist, clauses without a lever, levers and constants that nobody uses."""
    for name, template in measure.policies.items():
        if template.get("lever") not in LEVERS:
            yield f"policy {name!r} names an unknown mechanism {template.get('lever')!r}"
            return
    clauses = {clause.id for clause in measure.clauses}
    used = {name for name, reached in measure.lever_policies().items() if reached}
    for name in sorted(used - set(measure.levers)):
        yield f"policies name an unknown lever {name!r}"
    for name in sorted(set(measure.levers) - used):
        yield f"lever {name!r} reaches no policy"
    for name, lever in measure.levers.items():
        for clause in sorted(set(lever.clauses) - clauses):
            yield f"lever {name!r} names an unknown clause {clause!r}"
    for clause, levers in measure.clause_levers().items():
        if not levers:
            yield f"clause {clause} has no lever"
    multiplied = set(_constants(list(measure.policies.values())))
    for name in sorted(multiplied ^ set(measure.constants)):
        yield f"constant {name!r} is {'unknown' if name in multiplied else 'not used'}"
    for target in measure.targets:
        if target.clause not in clauses or target.lever not in (None, *measure.levers):
            yield f"target {target.zh!r} names an unknown clause or lever"


class CatalogueError(ValueError):
    """A file of the catalogue is wrong: one line a problem, with file and line."""


@lru_cache(maxsize=1)
def load_catalogue() -> Mapping[int, Measure]:
    """The measures by number. Raises CatalogueError."""
    folder = resources.files("model.policy") / "measures"
    texts = {
        path.name[:-5]: path.read_text(encoding="utf-8")
        for path in folder.iterdir()
        if path.name.endswith(".yaml")
    }
    found: dict[int, Measure] = {}
    problems: list[str] = []
    for stem, document in sorted(yaml_documents("measures", texts).items()):
        try:
            measure = Measure.model_validate(document)
        except ValidationError as error:
            problems += _lines(stem, texts[stem], error)
            continue
        problems += _setting_problems(stem, measure)
        if stem != measure.prefix[1:] + measure.name:
            problems.append(f"{stem}.yaml:1:1: the file's name must be number and name")
        found[measure.number] = measure
    if problems:
        raise CatalogueError("\n".join(problems))
    return found


def _lines(stem: str, text: str, error: ValidationError) -> list[str]:
    """Problems of one file with the line of the innermost key that exists."""
    from model.scenario_reader import read_bytes

    tree = read_bytes(text.encode("utf-8"), f"{stem}.yaml")
    lines = []
    for one in error.errors(include_url=False):
        node, mark = tree, tree.mark
        for part in one["loc"]:
            if isinstance(node.value, dict) and str(part) in node.value:
                entry = node.value[str(part)]
                node, mark = entry.node, entry.mark
            elif isinstance(node.value, list) and isinstance(part, int):
                node = node.value[part]
                mark = node.mark
        path = ".".join(str(part) for part in one["loc"])
        lines.append(f"{mark}: {path}: {one['msg']}")
    return lines


def _setting_problems(stem: str, measure: Measure) -> Iterator[str]:
    """Settings that the levers of `policy.settings` refuse, at default values."""
    for name, document in measure.expand(measure.values()).items():
        try:
            LEVERS[document["lever"]].model_validate(document)
        except ValidationError as error:
            for one in error.errors(include_url=False):
                path = ".".join(str(part) for part in one["loc"])
                yield f"{stem}.yaml: {name}.{path}: {one['type']} {one.get('ctx') or ''}"


def measure_of(policy: str) -> int | None:
    """Number of the measure that a policy of a scenario belongs to, by its name."""
    head, _, rest = policy.partition("_")
    digits = head[1:]
    if head[:1] == "m" and len(digits) == 2 and digits.isdigit() and rest:
        return int(digits)
    return None


def measures_folder() -> Path:
    """Folder of the catalogue's files."""
    return Path(str(resources.files("model.policy") / "measures"))

"""Runs studies and says whether each falls into its band; finished studies are kept by digest."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import experiments.replications as package
from calibration.digests import code_digest, digest_of, digest_of_files
from experiments.replications.carry_out import Found, carry_out
from experiments.replications.estimators import Z90
from experiments.replications.panel import Panel, build
from experiments.replications.specification import (
    AGGREGATE,
    BEFORE_MATTERS,
    RECEIVED,
    Specification,
)
from model.compilation import cache_root
from model.parameters import load_parameters

Status = Callable[[str], None]


def _silent(_: str) -> None:
    """No listener."""


def shown(value: float) -> str:
    """A figure for people: about two significant digits, no negative zero."""
    decimals = 1 if abs(value) >= 10.0 else (2 if abs(value) >= 0.1 else 3)
    text = f"{value:.{decimals}f}"
    return text if float(text) != 0.0 else "0"


@dataclass(frozen=True)
class Row:
    """One finding beside its target. Numbers are None where the model gives none."""

    name: Mapping[str, str]
    target: float
    low: float
    high: float
    unit: str
    estimate: float | None
    error: float | None
    estimate_low: float | None
    estimate_high: float | None
    exact: float | None
    treated: int
    controls: int

    @property
    def resolved(self) -> bool:
        """Whether the 90 % interval is no wider than twice the band: else it says nothing."""
        if self.estimate is None or self.error is None:
            return False
        return 2.0 * Z90 * self.error <= 2.0 * (self.high - self.low)

    @property
    def in_band(self) -> bool:
        """Whether the estimate lies in the band; one that resolves nothing never does."""
        return self.verdict == "in"

    @property
    def verdict(self) -> str:
        """in, out, unresolved or none."""
        if self.estimate is None:
            return "none"
        if not self.low <= self.estimate <= self.high:
            return "out"
        return "in" if self.resolved else "unresolved"


@dataclass(frozen=True)
class Replication:
    """A study's rows; the first one is its headline."""

    id: str
    rows: tuple[Row, ...]
    fault: str = ""

    @property
    def in_band(self) -> bool:
        """Whether every finding lies in its band."""
        return all(row.in_band for row in self.rows)

    def plain(self) -> dict[str, Any]:
        """The stable keys, taken from the headline, then every finding."""
        first = self.rows[0]
        return {
            "id": self.id, "target": first.target, "low": first.low, "high": first.high,
            "estimate": first.estimate, "estimate_low": first.estimate_low,
            "estimate_high": first.estimate_high, "in_band": self.in_band,
            "findings": [
                {**asdict(row), "resolved": row.resolved, "in_band": row.in_band}
                for row in self.rows
            ],
            "fault": self.fault,
        }  # fmt: skip


def from_plain(document: Mapping[str, Any]) -> Replication:
    """The inverse of `Replication.plain`."""
    rows = [
        Row(**{k: v for k, v in one.items() if k not in ("in_band", "resolved")})
        for one in document["findings"]
    ]
    return Replication(document["id"], tuple(rows), document.get("fault", ""))


def identity(spec: Specification, scale: int | None) -> str:
    """Digest of everything that decides a replication: study, model, parameters, this folder."""
    here = Path(package.__path__[0])
    return digest_of(
        {
            "spec": spec.model_dump(mode="json", exclude={"title", "design", "limits", "study"}),
            "scale": scale or spec.run.scale,
            "seen_share": spec.seen_share,
            "parameters": load_parameters().digest(),
            "model": code_digest(),
            "code": digest_of_files(list(here.glob("*.py")), here),
        }
    )


def replicate(
    specs: Iterable[Specification], scale: int | None = None, fresh: bool = False,
    status: Status = _silent, threads: int = 1,
) -> list[Replication]:  # fmt: skip
    """Every study in turn, from the cache where nothing changed. `scale` overrides the files'.

    Studies that differ in findings only share their panel.
    """
    chosen = list(specs)
    # Named before anything runs: what is computed belongs to the code that was read then.
    files = {spec.id: _file(spec, scale) for spec in chosen}
    found: dict[str, Replication] = {}
    waiting: dict[str, list[Specification]] = {}
    for spec in chosen:
        kept = None if fresh else _kept(files[spec.id])
        if kept is not None:
            found[spec.id] = kept
        else:
            waiting.setdefault(_panel_key(spec), []).append(spec)
    for together in waiting.values():
        status(", ".join(spec.id for spec in together))
        panel = panel_of(together, scale, threads)
        for spec in together:
            found[spec.id] = _finished(spec, panel)
            _keep(files[spec.id], found[spec.id])
    return [found[spec.id] for spec in chosen]


def _panel_key(spec: Specification) -> str:
    return digest_of(
        {
            "run": spec.run.model_dump(mode="json"),
            "event": spec.event,
            "platform_share": spec.seen_share,
            "traits_month": spec.traits_month,
            "instruments": [one.model_dump(mode="json") for one in spec.instruments],
        }
    )


def panel_of(specs: list[Specification], scale: int | None, threads: int) -> Panel:
    """One panel with every outcome in the months in which any of the studies reads it."""
    spec, spans, series = specs[0], dict[str, tuple[int, int]](), dict[str, None]()
    event = spec.event_month

    def read(name: str, months: Iterable[int]) -> None:
        wanted = [event + month for month in months]
        old = spans.get(name, (wanted[0], wanted[0]))
        spans[name] = min(*old, *wanted), max(*old, *wanted)

    for one in (finding for each in specs for finding in each.findings):
        per_after = one.per_after or one.after
        if one.estimator in AGGREGATE:
            series |= dict.fromkeys(n for n in (one.outcome, one.per, *one.shocks) if n)
            continue
        before = one.before if one.estimator in BEFORE_MATTERS else one.after
        read(one.outcome, (*before, *one.after))
        if one.unit == "points":
            read("income", one.after)
        if one.per is not None:
            # Nothing is received before the event.
            read(one.per, per_after if one.per in RECEIVED else (*before, *per_after))
        if one.estimator == "bunching":
            read("redeemed", one.after)
            read("platform", one.after)
    with_policy, without = (spec.scenario(side, scale) for side in (True, False))
    receipts = any(each.assignment.kind == "receipt" for each in specs)
    return build(
        with_policy, without, event, spans, list(series), receipts, threads, spec.seen_share,
        spec.traits_month,
    )  # fmt: skip


def _finished(spec: Specification, panel: Panel) -> Replication:
    try:
        return Replication(spec.id, tuple(map(_row, spec.findings, carry_out(spec, panel))))
    except ValueError as fault:  # a sample without treated or controls
        return Replication(spec.id, tuple(_empty(one) for one in spec.findings), str(fault))


def _row(one: Any, found: Found) -> Row:
    estimate = found.estimate
    return Row(
        one.name.model_dump(), one.target, one.low, one.high, one.unit, _finite(estimate.value),
        _finite(estimate.error), _finite(estimate.low), _finite(estimate.high),
        None if found.exact is None else _finite(found.exact), found.treated, found.controls,
    )  # fmt: skip


def _empty(one: Any) -> Row:
    return Row(
        one.name.model_dump(), one.target, one.low, one.high, one.unit, None, None, None, None,
        None, 0, 0,
    )  # fmt: skip


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _file(spec: Specification, scale: int | None) -> Path:
    return cache_root() / "replications" / f"{identity(spec, scale)[:32]}.json"


def _kept(path: Path) -> Replication | None:
    return from_plain(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def _keep(path: Path, found: Replication) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(found.plain()), encoding="utf-8")
    part.replace(path)

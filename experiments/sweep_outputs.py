"""From stored totals to the columns that are analysed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from experiments.paired import OUTCOME_RULES
from experiments.run_jobs import BY_PLACE, Totals
from experiments.sweep_plan import LEVERAGE, Output, Plan
from model.dimensions import PLACES

Floats = npt.NDArray[np.float64]
RATIO: Final = "ratio"


@dataclass(frozen=True)
class Column:
    """One analysed figure: its output, unit, and the month or place if the output is split."""

    output: Output
    unit: str
    label: str | None = None

    @property
    def name(self) -> str:
        """Stable name, such as "household_consumption[1-36]" or "retail_sales[1-12].dalian"."""
        window = f"{self.output.outcome}[{self.output.from_month}-{self.output.to_month}]"
        return window if self.label is None else f"{window}.{self.label}"


class Columns:
    """All analysed figures of a plan, in order."""

    def __init__(self, plan: Plan) -> None:
        self._compared = plan.against is not None
        self._months = plan.scenario.month_labels()
        self.columns = [column for output in plan.outputs for column in self._split(output)]
        self.names = [column.name for column in self.columns]
        self._outputs = plan.outputs

    def _split(self, output: Output) -> list[Column]:
        unit = RATIO if output.outcome == LEVERAGE else OUTCOME_RULES[output.outcome].unit
        if output.by == "month":
            months = self._months[output.from_month - 1 : output.to_month]
            return [Column(output, unit, month) for month in months]
        if output.by == "place":
            return [Column(output, unit, place) for place in PLACES]
        return [Column(output, unit)]

    def of(self, totals: Totals) -> Floats:
        """Values of all columns of one run; NaN where a ratio has no denominator."""
        return np.concatenate([self._values(output, totals) for output in self._outputs])

    def _values(self, output: Output, totals: Totals) -> Floats:
        if output.outcome != LEVERAGE:
            return self._figures(output, output.outcome, totals)
        gain = self._figures(output, "household_consumption", totals)
        cost = self._figures(output, "fiscal_cost", totals)
        return np.divide(gain, cost, out=np.full_like(gain, np.nan), where=cost > 0)

    def _figures(self, output: Output, outcome: str, totals: Totals) -> Floats:
        """The outcome of one run: policy minus baseline, or the level if nothing is compared."""
        end = BY_PLACE if output.by == "place" else ""
        kind = OUTCOME_RULES[outcome].kind
        values = totals[f"{outcome}.policy{end}"]
        if self._compared:
            base = totals[f"{outcome}.base{end}"]
            values = (values - base) / base * 100 if kind == "index" else values - base
        window = values[output.from_month - 1 : output.to_month]
        if output.by == "month":
            return np.asarray(window, dtype=float)
        whole = window.sum(axis=0) if kind == "flow" else window.mean(axis=0)
        return np.atleast_1d(np.asarray(whole, dtype=float))

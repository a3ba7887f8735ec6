"""Why two measures together do more or less than the sum of both: read from the runs.

What a pair adds or loses is compared, channel by channel, with what the runs of both together and
of each alone say. Every channel gets an amount of household consumption (yuan, mean over seeds):

- `budget`: payments that one payer cannot make for both. Payments together less than the sum, as
  far as arrears grow or vouchers are not issued, times the pair's consumption per yuan paid; and
  incomes lost because other public spending is cut.
- `offices`: programmes delayed by overloaded offices, or brought forward by coordination: the
  change in programme-months delivered, in proportion to the consumption of both.
- `prices`: local capacity. What consumption costs more than the sum of both rises in prices.
- `income`: pay, profits and taxes that only both together bring or take: the interaction in
  disposable income beyond the three channels above, times the baseline's consumption per yuan.
- `timing`: consumption that moves between months: the smaller of the pluses and minuses in the
  monthly interaction. The same purchase cannot be brought forward twice.
- `households`: what is left, as far as both gains fall on the same (income fifth, age group, kind
  of good).

The cause is the largest amount that points the way the interaction goes (`timing` points both
ways), or "unclear" if even that explains less than `LEAST_PART` of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from experiments.package_jobs import CHANNEL
from experiments.paired import Floats
from experiments.run_jobs import Totals

CAUSES: Final = ("budget", "offices", "prices", "income", "timing", "households")
UPSTREAM: Final = ("budget", "offices", "prices")
"""Channels that move incomes themselves: what they explain is not counted again as income."""
UNCLEAR: Final = "unclear"
LEAST_PART: Final = 0.25
CONSUMPTION: Final = "household_consumption"


@dataclass(frozen=True)
class Cause:
    """The likeliest channel and the amount of each, yuan of household consumption."""

    name: str
    amounts: Mapping[str, float]


Sides = Sequence[tuple[Totals, ...]]
"""Totals of both together, of the first and of the second, for each seed."""


def cause_of(sides: Sides, months: int) -> Cause:
    """The cause of a pair's interaction over the first `months` months."""
    monthly = _mean(sides, lambda totals: _change(totals, CONSUMPTION)[:months])
    together = float((monthly[0] - monthly[1] - monthly[2]).sum())
    alone = float(monthly[1].sum() + monthly[2].sum())
    squeezed, income = _incomes(sides, months)
    signed = {
        "budget": _unpaid(sides, alone) + squeezed,
        "offices": _offices(sides, alone),
        "prices": -float(_interaction(sides, "price_gap", months).sum()),
        "income": income,
    }
    way = 1.0 if together >= 0 else -1.0
    upstream = sum(max(0.0, way * signed[name]) for name in UPSTREAM)
    signed["income"] = way * max(0.0, way * income - upstream)
    explained = sum(max(0.0, way * amount) for amount in signed.values())
    left = max(0.0, abs(together) - explained)
    amounts = signed | {
        "timing": way * _moved(monthly[0] - monthly[1] - monthly[2]),
        "households": way * left * _overlap(sides),
    }
    largest = max(CAUSES, key=lambda name: way * amounts[name])
    clear = way * amounts[largest] >= LEAST_PART * abs(together) > 0
    return Cause(largest if clear else UNCLEAR, amounts)


def _change(totals: Totals, outcome: str) -> Floats:
    return np.asarray(totals[f"{outcome}.policy"] - totals[f"{outcome}.base"])


def _mean(sides: Sides, figure: Callable[[Totals], Floats]) -> Floats:
    """[side, ...] mean over seeds; sides are together, first, second."""
    found = np.array([[figure(one) for one in seed] for seed in sides], dtype=float)
    return np.asarray(found.mean(axis=0))


def _interaction(sides: Sides, channel: str, months: int | None = None) -> Floats:
    found = _mean(sides, lambda totals: totals[CHANNEL + channel][:months])
    return np.asarray(found[0] - found[1] - found[2])


def _unpaid(sides: Sides, alone: float) -> float:
    """Consumption lost because a payer cannot pay for both."""
    paid = _mean(sides, lambda totals: totals[CHANNEL + "paid"].sum())
    short = max(0.0, -float(paid[0] - paid[1] - paid[2]))
    unpaid = max(0.0, float(_interaction(sides, "arrears").sum()))
    unissued = max(0.0, -float(_interaction(sides, "issued").sum()))
    cost = float(paid[1] + paid[2])
    return -abs(alone) / cost * min(short, unpaid + unissued) if cost > 0 else 0.0


def _offices(sides: Sides, alone: float) -> float:
    """Consumption in proportion to programme-months lost or won."""
    reached = _mean(sides, lambda totals: totals[CHANNEL + "delivered"].sum())
    both = float(reached[1] + reached[2])
    return abs(alone) * float(reached[0] - both) / both if both > 0 else 0.0


def _incomes(sides: Sides, months: int) -> tuple[float, float]:
    """Consumption out of income lost to cuts in public spending, and out of all other income."""
    income = _mean(sides, lambda totals: _change(totals, "income")[:months].sum())
    together = float(income[0] - income[1] - income[2])
    cut = max(0.0, -float(_interaction(sides, "public").sum()))
    squeezed = -min(cut, max(0.0, -together))
    base = sides[0][0]
    spent = base[f"{CONSUMPTION}.base"][:months].sum() / base["income.base"][:months].sum()
    return float(squeezed * spent), float((together - squeezed) * spent)


def _moved(monthly: Floats) -> float:
    """What months with a plus give to months with a minus."""
    return float(min(np.maximum(monthly, 0).sum(), np.maximum(-monthly, 0).sum()))


def _overlap(sides: Sides) -> float:
    """Share of the smaller gain that falls on cells where the other gains too, 0 to 1."""
    cells = np.maximum(_mean(sides, lambda totals: totals[CHANNEL + "cells"]), 0.0)
    smaller = float(min(cells[1].sum(), cells[2].sum()))
    return float(np.minimum(cells[1], cells[2]).sum()) / smaller if smaller > 0 else 0.0

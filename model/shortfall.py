"""When a budget cannot pay for its policies and the scenario asks not to go on with arrears."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from model.dimensions import PLACES
from model.messages import say

FEN_IN_YI_YUAN = 1e10
BUDGETS = (*PLACES, "province")


class BudgetError(RuntimeError):
    """A budget's policy bills exceed its means; `budget` is a place or "province".

    `month` is "YYYY-MM", `fen` the amount that is missing.
    """

    def __init__(self, budget: str, month: str, fen: int) -> None:
        self.budget, self.month, self.fen = budget, month, fen
        super().__init__(self.line("en"))

    def line(self, lang: str) -> str:
        """One line for the reader."""
        name = say("budget.province" if self.budget == "province" else f"place.{self.budget}", lang)
        amount = f"{self.fen / FEN_IN_YI_YUAN:.4g}"
        return say("fault.budget", lang, month=self.month, budget=name, amount=amount)


def check_budgets(shortfall: npt.NDArray[np.int64], month: str) -> None:
    """Raise BudgetError for the budget that lacks most; `shortfall` (16) fen."""
    if shortfall.any():
        row = int(shortfall.argmax())
        raise BudgetError(BUDGETS[row], month, int(shortfall[row]))

"""Parameters that only policies use: as long as none acts, no value of theirs changes a bit.

The warm-up and the runs that policies are compared with are the same for all their values, and a
sweep computes them once. tests/test_reuse.py moves each of them over its range to prove it.
"""

from __future__ import annotations

from typing import Final

IDLE_WITHOUT_POLICY: Final = (
    "government.programme_benefit",
    "government.programme_scale",
    "government.target_pressure",
    "households.minimum_wage.job_hazard",
    "households.minimum_wage.ripple",
    "households.minimum_wage.ripple_range",
    "households.pensions.recognised_at_once",
    "households.pensions.recognition_gain",
    "households.protection.",
    "households.saving_scheme.",
    "households.trade_in.",
    "households.vouchers.",
)
"""Names, and beginnings of names that end in a dot."""


def is_idle(name: str) -> bool:
    """Whether a parameter does nothing without policy."""
    return name in IDLE_WITHOUT_POLICY or name.startswith(_BEGINNINGS)


_BEGINNINGS: Final = tuple(name for name in IDLE_WITHOUT_POLICY if name.endswith("."))

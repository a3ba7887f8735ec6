"""Household kernel: what a higher wage floor does to pay.

Compiled twin of `wage_floor_lift` in `household.py`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from model.agents import kernel_common as k
from model.agents.kernel_common import INLINE, JIT, compact

_MARGIN = 1.0 + 1e-9  # the exact condition is tested again for those within reach


@njit(**JIT)
def wage_floor(c, m, s, start, n, place):  # type: ignore[no-untyped-def]
    """Factor on an employee household's earnings when the floor is above the base floor."""
    floor, base, lift = m.floor[place], m.base_floor[place], s.lift
    lift[:n] = 1.0
    if floor <= base:
        return
    # Most households earn far above the floor: a comparison settles them without a division.
    reach = floor * (1.0 + m.ripple_range) * (1.0 - m.wage_wedge) * _MARGIN
    stop, marks, queue = start + n, s.marks, s.queue
    work_class, stage, earners = (
        c.work_class[start:stop],
        c.stage[start:stop],
        c.earners[start:stop],
    )
    pay, earnings = c.earnings[start:stop], c.earnings
    for i in range(n):
        employee = (work_class[i] == 1) | (work_class[i] == 2)
        marks[i] = (pay[i] < reach * earners[i]) & employee & (stage[i] != 2)
    count = compact(s.marks, s.marks_by_eight, s.queue, n)
    earners = c.earners
    rise = m.ripple * m.floor_log_rise[place]
    following = m.informal_following + (1.0 - m.informal_following) * m.floor_enforced[place]
    for q in range(count):
        row = start + queue[q]
        wage = earnings[row] / (1.0 - m.wage_wedge) / earners[row]
        new = wage
        if wage < floor:
            new = max(min(floor, wage * floor / base), wage * (1.0 + rise))
        elif wage < floor * (1.0 + m.ripple_range):
            new = wage * (1.0 + rise * (1.0 - (wage / floor - 1.0) / m.ripple_range))
        covered = new / wage
        informal = 1.0 + following * (covered - 1.0)
        lift[queue[q]] = informal if c.work_class[row] == 2 else covered


@njit(**INLINE)
def add_floor_rise(c, part, start, n, rises):  # type: ignore[no-untyped-def]
    """What a higher wage floor adds to pay, by sector."""
    total = np.int64(0)
    for i in range(n):
        total += rises[i]
    if total == 0:
        return
    sectors = c.sector[start : start + n]
    for i in range(n):
        part[k.O_FLOOR_RISE + np.int64(sectors[i])] += rises[i]

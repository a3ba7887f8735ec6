"""Household kernel: committed shares under the month's beliefs in protection.

Compiled twin of `household.committed_share`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from model.agents.household_layout import COMMITTED_BITS
from model.agents.kernel_common import INLINE

SHARE_BITS = 8 + COMMITTED_BITS
SHARE_UNIT = 2.0**-SHARE_BITS


@njit(**INLINE)
def committed_shares(c, factor, start, n, shares):  # type: ignore[no-untyped-def]
    """Own committed shares times the factor of stage and age, of 2**SHARE_BITS."""
    stop = start + n
    own, stage, group = c.committed_share[start:stop], c.stage[start:stop], c.group[start:stop]
    for i in range(n):
        late = 4 if stage[i] == 2 else 0
        shares[i] = np.int64(own[i]) * factor[late + (np.int64(group[i]) & 3)]

"""Seconds of solving the policy tables from scratch, nothing taken from the cache."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from model.compilation import cache_root, use_content_addressed_cache


def solve_in_fresh_cache() -> dict[str, float]:
    """Seconds of the consumption and the durable tables; kernels compiled, tables not kept."""
    use_content_addressed_cache()
    environment = dict(os.environ)
    environment.setdefault("NUMBA_CACHE_DIR", str(cache_root()))
    with tempfile.TemporaryDirectory() as empty:
        environment["TIZHEN_CACHE"] = empty
        found = subprocess.run(
            [sys.executable, "-m", "benchmarks.solvers"], env=environment, check=True,
            capture_output=True, text=True, cwd=Path(__file__).parent.parent,
        )  # fmt: skip
    consumption, durables = (float(word) for word in found.stdout.split())
    return {"consumption": consumption, "durables": durables}


def _main() -> None:
    from model.parameters import load_parameters
    from model.solvers.consumption import consumption_tables
    from model.solvers.durables import replacement_tables

    parameters = load_parameters()
    began = time.perf_counter()
    consumption_tables(parameters)
    solved = time.perf_counter()
    replacement_tables(parameters, [], 36, 1)
    print(solved - began, time.perf_counter() - solved)


if __name__ == "__main__":
    _main()

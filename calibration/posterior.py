"""The stored posterior: draws of the calibrated parameters that every effect may be averaged over.

`load_posterior()` reads `calibration/posterior.parquet`; `values(index)` gives what a scenario
takes under `parameters:`. The draws are equally likely. How they came about is told in
`docs/calibration.md`; parameters that the moments do not identify still have their prior spread.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from calibration.coordinates import overrides

FILE: Final = "posterior.parquet"
METADATA: Final = b"tizhen"


@dataclass(frozen=True)
class Posterior:
    """`names` of the columns of `draws` float64 [n, k]; `about` tells how they were made.

    A name is a parameter, an entry of a list (`consumption.discount_factors.0`), or a list or table
    that the draw multiplies (`consumption.committed.maximum`): see `calibration.coordinates`.
    """

    names: tuple[str, ...]
    draws: npt.NDArray[np.float64]
    about: Mapping[str, Any]

    def __len__(self) -> int:
        return int(self.draws.shape[0])

    def values(self, index: int) -> dict[str, Any]:
        """Draw number `index` as parameter values for a scenario. Raises IndexError."""
        row = self.draws[index]
        return overrides({name: float(x) for name, x in zip(self.names, row, strict=True)})

    def chosen(self, count: int) -> tuple[int, ...]:
        """`count` draws spread over all; fewer are always among more, so that runs share tables.

        Every draw has a consumption problem of its own, whose solution takes far longer than a
        run and is kept on disk. Raises ValueError for fewer than one or more than there are.
        """
        if not 1 <= count <= len(self):
            raise ValueError(f"1 to {len(self)} draws, not {count}")
        width = max(len(self) - 1, 1).bit_length()
        order = (int(f"{number:0{width}b}"[::-1], 2) for number in range(1 << width))
        return tuple(index for index in order if index < len(self))[:count]

    @property
    def digest(self) -> str:
        """SHA-256 of names and draws."""
        content = json.dumps(self.names).encode() + np.ascontiguousarray(self.draws).tobytes()
        return hashlib.sha256(content).hexdigest()


@lru_cache(maxsize=1)
def load_posterior() -> Posterior:
    """The posterior that ships with this version. Raises FileNotFoundError without one."""
    with resources.as_file(resources.files("calibration").joinpath(FILE)) as path:
        return read_posterior(path)


def read_posterior(path: Path) -> Posterior:
    """The posterior of a file."""
    table = pq.read_table(path)
    about = json.loads((table.schema.metadata or {}).get(METADATA, b"{}"))
    columns = [table.column(name).to_numpy() for name in table.column_names]
    return Posterior(tuple(table.column_names), np.column_stack(columns).astype(float), about)


def write_posterior(
    path: Path, names: Sequence[str], draws: npt.NDArray[np.float64], about: Mapping[str, Any]
) -> None:
    """Write draws [n, k] with the facts about them; equal content gives equal bytes."""
    table = pa.table({name: draws[:, j] for j, name in enumerate(names)})
    text = json.dumps(about, sort_keys=True, ensure_ascii=False)
    table = table.replace_schema_metadata({METADATA: text.encode()})
    pq.write_table(table, path, compression="zstd")

"""A finished table of replications in one file: what the documentation is written from."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calibration.digests import code_digest
from experiments.replications.replicate import Replication, from_plain
from experiments.replications.specification import Specification
from model.parameters import load_parameters


@dataclass(frozen=True)
class Table:
    """Replications with the command, date and digests they belong to; seed and scale by study."""

    command: str
    date: str
    digests: Mapping[str, str]
    settings: Mapping[str, Mapping[str, int]]
    replications: tuple[Replication, ...]

    @property
    def inside(self) -> int:
        """Number of studies all of whose findings lie in their bands."""
        return sum(one.in_band for one in self.replications)


def table_of(
    specs: Sequence[Specification], found: Sequence[Replication], command: str, scale: int | None
) -> Table:
    """A table of what was found today."""
    settings = {s.id: {"seed": s.run.seed, "scale": scale or s.run.scale} for s in specs}
    digests = {"code": code_digest(), "parameters": load_parameters().digest()}
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    return Table(command, today, digests, settings, tuple(found))


def save(table: Table, path: Path) -> None:
    """Write a table. Raises OSError."""
    document: dict[str, Any] = {
        "command": table.command,
        "date": table.date,
        "digests": dict(table.digests),
        "settings": {name: dict(one) for name, one in table.settings.items()},
        "replications": [one.plain() for one in table.replications],
    }
    text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")


def load(path: Path) -> Table:
    """The inverse of `save`. Raises OSError, KeyError."""
    document = json.loads(path.read_text(encoding="utf-8"))
    return Table(
        document["command"], document["date"], document["digests"], document["settings"],
        tuple(from_plain(one) for one in document["replications"]),
    )  # fmt: skip

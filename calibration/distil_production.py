"""Derive the 12-sector production coefficients from the provincial input-output table of 2007.

Writes model/parameters/production.yaml. The 22 industries of calibration/data/io_table.csv are
mapped to the model's 12 sectors; a trade cell's yuan of sales is split into its margin, which buys
what the trade industry buys, and goods, which come from local industry and farms, other provinces
and abroad. Judgements live in production_assumptions.yaml.
Run: python -m calibration.distil_production
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ruamel.yaml import YAML

from model.dimensions import SECTORS

Array = npt.NDArray[np.float64]
HERE = Path(__file__).parent
TARGET = HERE.parent / "model" / "parameters" / "production.yaml"
INDUSTRIES = [f"S{number:02d}" for number in range(1, 23)]
TRADE = INDUSTRIES.index("S16")
TABLE = "LN_2007_22"
DIGITS = 6
HEADER = "Derived from io_table.csv by calibration/distil_production.py: do not edit."


def read_table() -> dict[tuple[str, str], float]:
    """Cells of the 2007 provincial table by (row code, column code), 100 million yuan."""
    with (HERE / "data" / "io_table.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["table_id"] == TABLE]
    return {(row["row_code"], row["col_code"]): float(row["value"] or 0) for row in rows}


def read_assumptions() -> dict[str, Any]:
    """Judgements: sector map, margins, baskets, adjustment of local supply."""
    text = (HERE / "production_assumptions.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    return loaded


def _column(table: dict[tuple[str, str], float], code: str) -> Array:
    return np.array([table.get((row, code), 0.0) for row in INDUSTRIES])


def local_supply_shares(table: dict[tuple[str, str], float]) -> Array:
    """Share of provincial use (22) supplied in the province: 1 - (imports + inflow) / use."""
    outside = _column(table, "F08_imports") + _column(table, "F09_interprovincial_inflow")
    sold_out = _column(table, "F06_exports") + _column(table, "F07_interprovincial_outflow")
    use = _column(table, "F11_gross_output") + outside - sold_out
    return 1 - outside / use


def sector_weights(assumptions: dict[str, Any]) -> Array:
    """Matrix (22, 12) that sends each industry to sectors; rows add up to 1."""
    weights = np.zeros((len(INDUSTRIES), len(SECTORS)))
    for industry, shares in assumptions["sector_map"].items():
        for sector, share in shares.items():
            weights[INDUSTRIES.index(industry), SECTORS.index(sector)] = share
    return weights


def _industry_columns(table: dict[tuple[str, str], float], weights: Array) -> tuple[Array, Array]:
    """Inputs (22, 12) and value added (12) per yuan of output of the non-trade sectors."""
    inputs = np.array([[table.get((i, j), 0.0) for j in INDUSTRIES] for i in INDUSTRIES])
    output = _column(table, "F11_gross_output")
    own = weights.copy()
    own[TRADE] = 0.0  # the trade industry becomes the retail cells, not a service sector
    sector_output = output @ own
    columns = np.divide(
        inputs @ own, sector_output, where=sector_output > 0, out=np.zeros((22, 12))
    )
    return columns, sector_output


def _trade_column(table: dict[tuple[str, str], float], basket: dict[str, float], margin: float,
                  local: Array, adjustment: float) -> tuple[Array, Array]:  # fmt: skip
    """Local and outside inputs (22 each) per yuan of sales of one trade cell."""
    output = table[("S16", "F11_gross_output")]
    services = margin * np.array([table.get((i, "S16"), 0.0) for i in INDUSTRIES]) / output
    goods = np.zeros(len(INDUSTRIES))
    for industry, share in basket.items():
        goods[INDUSTRIES.index(industry)] = (1 - margin) * share
    from_here = services * local + goods * local * adjustment
    return from_here, services + goods - from_here


def derive() -> dict[str, Any]:
    """All coefficients, rounded, as plain lists: the content of production.yaml."""
    table, assumptions = read_table(), read_assumptions()
    weights, local = sector_weights(assumptions), local_supply_shares(table)
    columns, _ = _industry_columns(table, weights)
    from_here, from_outside = columns * local[:, None], columns * (1 - local)[:, None]
    for sector, margin in assumptions["trade_margin"].items():
        j = SECTORS.index(sector)
        basket = assumptions["trade_basket"][sector]
        adjustment = assumptions["retail_local_adjustment"]
        from_here[:, j], from_outside[:, j] = _trade_column(
            table, basket, margin, local, adjustment
        )
    local_inputs = weights.T @ from_here
    outside_inputs = from_outside.sum(axis=0)
    investment = _column(table, "F04_gross_fixed_capital_formation")
    government = _column(table, "F03_government_consumption") @ weights
    return {
        "local_inputs": np.round(local_inputs, DIGITS).tolist(),
        "outside_inputs": np.round(outside_inputs, DIGITS).tolist(),
        "investment_local_share": round(float(investment @ local / investment.sum()), DIGITS),
        "government_mix": np.round(government / government.sum(), DIGITS).tolist(),
    }


_TEXT = {
    "local_inputs": (
        "yuan of input i (row) bought in the province per yuan of output of sector j (column)",
        "每元产出的省内中间投入", "intermediate inputs bought in the province", "C",
    ),
    "outside_inputs": (
        "yuan bought abroad or in other provinces per yuan of output",
        "每元产出的省外及进口投入", "inputs from other provinces and abroad", "C",
    ),
    "investment_local_share": (
        "share", "投资品省内供给占比", "share of investment goods supplied in the province", "C",
    ),
    "government_mix": (
        "share by sector", "政府消费的部门构成", "government consumption by sector", "C",
    ),
}  # fmt: skip


def document() -> dict[str, Any]:
    """Content of production.yaml with units, source and grade for every entry."""
    source = "Liaoning input-output table 2007 aggregated by calibration/distil_production.py"
    derived = derive()
    return {
        name: {
            "value": derived[name], "unit": unit, "source": source, "date": "2007",
            "grade": grade, "zh": zh, "en": en,
        }
        for name, (unit, zh, en, grade) in _TEXT.items()
    }  # fmt: skip


def main() -> None:
    """Write model/parameters/production.yaml."""
    yaml = YAML()
    yaml.default_flow_style = None
    yaml.width = 200
    yaml.allow_unicode = True
    with TARGET.open("w", encoding="utf-8") as file:
        file.write(f"# {HEADER}\n")
        yaml.dump(document(), file)


if __name__ == "__main__":
    main()

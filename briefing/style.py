"""How a Tizhen chart looks, and how it is written to disk: the same bytes on every machine.

Figures are made without pyplot, so nothing depends on a display or on the user's matplotlibrc.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final, cast

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

FAMILY: Final = "Tizhen Sans SC"
FONT_FILE: Final = "TizhenSansSC-Regular.otf"
DOTS_PER_INCH: Final = 200

# Blue and orange stay apart for every common kind of colour blindness; dark against light, and
# hatching on the light one, keeps them apart in greyscale as well.
INK: Final = "#222222"
SOFT_INK: Final = "#666666"
GRID: Final = "#DDDDDD"
WINDOW: Final = "#F0F0F0"
BLUE: Final = "#1B4F8A"
LIGHT_BLUE: Final = "#A9C8E8"
ORANGE: Final = "#F2A541"
DARK_ORANGE: Final = "#A85A00"
HATCH: Final = "////"
DIVERGING: Final = LinearSegmentedColormap.from_list(
    "tizhen_diverging", [DARK_ORANGE, ORANGE, "#F7F7F7", LIGHT_BLUE, BLUE]
)

SETTINGS: Final[dict[str, Any]] = {
    "font.family": [FAMILY, "DejaVu Sans"],
    "font.size": 10,
    "axes.titlesize": 13,
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.labelsize": 10,
    "axes.labelcolor": INK,
    "axes.edgecolor": SOFT_INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "hatch.linewidth": 0.6,
    "hatch.color": DARK_ORANGE,
    "figure.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "tizhen",
    "axes.unicode_minus": True,
}


@cache
def _register_font() -> None:
    font = resources.files("briefing").joinpath("fonts", FONT_FILE)
    with resources.as_file(font) as path:
        if path.is_file():
            font_manager.fontManager.addfont(str(path))


@contextmanager
def style() -> Iterator[None]:
    """Look of all charts, for the figures made inside the block and for nothing else."""
    _register_font()
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(cast("Any", SETTINGS))
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, inches, that draws without a display."""
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH)
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, stem: Path) -> tuple[Path, Path]:
    """Write `stem`.png (200 dpi) and `stem`.svg; equal figures give equal bytes."""
    png, svg = stem.with_name(f"{stem.name}.png"), stem.with_name(f"{stem.name}.svg")
    with style():
        figure.savefig(png, dpi=DOTS_PER_INCH, metadata={"Software": None})
        figure.savefig(svg, metadata={"Date": None, "Creator": None})
    return png, svg

"""Rebuild `TizhenSansSC-Regular.otf` from a Noto Sans CJK collection.

Needs fonttools (in the `dev` extra). Not used when Tizhen runs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTCollection, TTFont

SOURCE_FAMILY = "Noto Sans CJK SC"
FAMILY = "Tizhen Sans SC"
POSTSCRIPT_NAME = "TizhenSansSC-Regular"
FAMILY_NAME_ID, UNIQUE_NAME_ID, FULL_NAME_ID, POSTSCRIPT_NAME_ID = 1, 3, 4, 6
KEPT_NAME_IDS = [0, 1, 2, 3, 4, 5, 6, 8, 9, 11, 13, 14]
# Basic and Latin-1, Latin Extended-A, Greek, punctuation, currency, letterlike, numerals, arrows,
# operators, technical, enclosed, box and shapes, CJK punctuation, full-width forms.
RANGES = (
    (0x20, 0x7E), (0xA0, 0xFF), (0x100, 0x17F), (0x391, 0x3C9), (0x2010, 0x2027), (0x2030, 0x203B),
    (0x2070, 0x209C), (0x20AC, 0x20AC), (0x2103, 0x2122), (0x2153, 0x217F), (0x2190, 0x2199),
    (0x2202, 0x2265), (0x2460, 0x2473), (0x2500, 0x250C), (0x25A0, 0x25CF), (0x2605, 0x2606),
    (0x2713, 0x2717), (0x3000, 0x3017), (0x3220, 0x3229), (0xFF01, 0xFF5E), (0xFFE0, 0xFFE5),
)  # fmt: skip


def gb2312_characters() -> Iterator[int]:
    """Yield the code points of GB 2312: the characters of everyday simplified Chinese."""
    for row in range(0xA1, 0xF8):
        for cell in range(0xA1, 0xFF):
            try:
                yield ord(bytes((row, cell)).decode("gb2312"))
            except UnicodeDecodeError:
                continue


def open_source(collection: Path) -> TTFont:
    """Return the simplified Chinese face of the collection."""
    for font in TTCollection(collection).fonts:
        if font["name"].getDebugName(FAMILY_NAME_ID) == SOURCE_FAMILY:
            return font
    raise SystemExit(f"{collection}: no face named {SOURCE_FAMILY}")


def rename(font: TTFont) -> None:
    """Give the subset its own family name, so that it never stands in for the original."""
    names = {
        FAMILY_NAME_ID: FAMILY,
        UNIQUE_NAME_ID: f"{FAMILY} {font['name'].getDebugName(5)}",
        FULL_NAME_ID: FAMILY,
        POSTSCRIPT_NAME_ID: POSTSCRIPT_NAME,
    }
    for name_id, text in names.items():
        font["name"].setName(text, name_id, 3, 1, 0x409)
    outlines = font["CFF "].cff
    outlines.fontNames[0] = POSTSCRIPT_NAME
    outlines[0].rawDict["FullName"] = outlines[0].rawDict["FamilyName"] = FAMILY


def build(collection: Path, target: Path) -> None:
    """Write the renamed subset of the collection's simplified Chinese face to `target`."""
    options = subset.Options(
        layout_features=[], hinting=False, notdef_outline=True, name_IDs=KEPT_NAME_IDS,
        drop_tables=["vhea", "vmtx", "VORG", "BASE", "GPOS", "GSUB", "GDEF", "DSIG"],
    )  # fmt: skip
    font = open_source(collection)
    subsetter = subset.Subsetter(options)
    points = {point for first, last in RANGES for point in range(first, last + 1)}
    subsetter.populate(unicodes=points | set(gb2312_characters()))
    subsetter.subset(font)
    rename(font)
    font.recalcTimestamp = False
    font.save(target)


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(__file__).with_name(f"{POSTSCRIPT_NAME}.otf"))

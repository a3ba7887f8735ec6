"""The chart font: an own subset of Noto Sans CJK SC, so that charts look alike on every machine."""

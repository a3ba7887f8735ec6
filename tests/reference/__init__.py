"""Slow, plain implementations that the fast ones must equal."""

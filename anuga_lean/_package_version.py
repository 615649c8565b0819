"""Holds the version of this package, the same as in meson.build."""

__version__ = "0.1.0"

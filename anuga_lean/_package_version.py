"""Holds the version of this package; meson.build reads it here."""

__version__ = "0.1.0"

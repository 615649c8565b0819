"""Checkpoints: written, killed, damaged, forged, resumed."""

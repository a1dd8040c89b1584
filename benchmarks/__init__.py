"""Measurements, each beside something to compare it with."""

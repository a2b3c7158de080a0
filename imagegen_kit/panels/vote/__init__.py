"""Blind voting on pairs of pictures."""

"""Calls made by workers on a Ray cluster. Whoever decides, reserves and writes down is the engine of one process."""

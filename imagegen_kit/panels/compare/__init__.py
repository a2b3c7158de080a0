"""The panel that compares a run: rows and columns of any two parameters."""

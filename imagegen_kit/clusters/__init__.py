"""Work on other machines: the way to a Ray cluster, and work in pieces that any workers do."""

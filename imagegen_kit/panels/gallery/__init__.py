"""The gallery: the pictures of all runs."""

"""A reference library, searched and chosen from."""

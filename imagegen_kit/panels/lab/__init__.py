"""The prompt lab: a draft, what it would do, and what it did."""

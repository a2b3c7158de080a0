"""A model as judge of a run's pictures: what is asked, whether the judge can be trusted, and what it said."""

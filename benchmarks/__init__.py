"""Speed, memory and start-up measured as ratios against a floor in the same run. ``python -m benchmarks`` runs them."""

"""Public benchmarks by their protocols: the project's own networks and training loop on other columns."""

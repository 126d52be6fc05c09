"""Error budgets and burn rates: arithmetic only."""

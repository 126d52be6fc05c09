"""The deployed evaluator: scheduler, delivery workers, API and page."""

"""Evaluation: samples in, verdicts, budgets, alert events and notifications out; pure, with *now* as an argument."""

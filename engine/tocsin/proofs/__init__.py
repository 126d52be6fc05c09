"""Proofs of rules: series made up from the definitions, and what the rules have to do with them, computed."""

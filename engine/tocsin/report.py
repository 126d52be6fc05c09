"""Findings as people and machines read them: text, JSON, GitHub, SARIF, JUnit."""

"""Compile targets: each renders a Plan as Artifacts."""

"""Drift as people see it: cards of a variable's two distributions, in a page and in a file."""

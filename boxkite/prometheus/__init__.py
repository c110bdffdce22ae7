"""Prometheus: live counts as series, the answer to a scrape, and the rules over it."""

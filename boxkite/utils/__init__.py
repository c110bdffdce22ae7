"""The names of boxkite 0.0.5; see docs/migrating.md."""

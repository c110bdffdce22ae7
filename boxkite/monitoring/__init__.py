"""The names of boxkite 0.0.5. The code is in `boxkite.classic`; see docs/guides/migrating.md."""

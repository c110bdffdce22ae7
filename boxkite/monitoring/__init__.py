"""The names of boxkite 0.0.5, over the engine of this version; see docs/migrating.md."""

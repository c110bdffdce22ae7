"""The prediction log: where records go, and how they get there."""

"""Serving: a prediction as a record, the journal it goes to, and the counts folded from it."""

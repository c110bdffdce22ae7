"""Where records are delivered to: one module a kind of sink."""

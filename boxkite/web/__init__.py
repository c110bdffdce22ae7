"""Parts that the adapters of all frameworks share: extension, views, sources, context and pages."""

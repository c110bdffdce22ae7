"""What the adapters of all frameworks share: the extension, views, sources, context and pages."""

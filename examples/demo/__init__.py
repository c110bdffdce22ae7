"""The demonstration: train, serve, scrape, and see drift, on real flights."""

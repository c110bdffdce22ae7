"""Show comparisons: as a page, a report file, or a picture of one variable."""

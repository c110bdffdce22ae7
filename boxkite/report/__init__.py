"""Comparisons as people see them: a page, a report file, and a picture of one variable."""

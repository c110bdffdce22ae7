"""Distributions as pictures: bars, axis labels and SVG. The package imports no other part."""

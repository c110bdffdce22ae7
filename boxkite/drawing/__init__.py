"""Distributions as pictures: axes, bars and SVG."""

"""Convert features and outputs of any form to rows of plain values."""

"""What a service hands over, as rows of plain values for the baseline's variables."""

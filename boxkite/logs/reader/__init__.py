"""Read the prediction log back: find its files, read each prediction once, build Arrow batches."""

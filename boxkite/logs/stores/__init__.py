"""Where files of the log are kept: a local folder, or an object store."""

"""Use the operating system and the interpreter: files, locks, forks and threads."""

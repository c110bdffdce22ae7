"""`python -m boxkite` is the command `boxkite`."""

from boxkite.cli import main

main()

"""Property tests here have no deadline: a shared machine may pause at any moment."""

from hypothesis import settings

settings.register_profile("without-deadline", deadline=None)
settings.load_profile("without-deadline")

"""The settings of the tests with real processes, and static files served as they lie in the tree."""

from tests.peers.settings import *  # noqa: F403

WHITENOISE_USE_FINDERS = True
# The pages share their scripts and styles: each browser window fetches them once.
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = 3600

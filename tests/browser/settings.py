"""The settings of the tests with real processes, static files served as they lie in the tree, and a clock of the site's own."""

import os
from datetime import UTC, datetime, timedelta

from escalation_site.kernel import instants
from tests.browser.clock import SHIFT
from tests.peers.settings import *  # noqa: F403

WHITENOISE_USE_FINDERS = True
# The pages share their scripts and styles: each browser window fetches them once.
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = 3600

# Before anything of the product takes it from there: it is the one place where the clock is read.
_shift = timedelta(seconds=float(os.environ.get(SHIFT, "0")))
instants.now = lambda: datetime.now(UTC) + _shift

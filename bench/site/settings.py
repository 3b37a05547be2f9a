"""The console's settings with the bench's URLs."""

from console.settings import *  # noqa: F403
from console.settings import SENDERS_PATHS as OWN

ROOT_URLCONF = "bench.site.urls"
SENDERS_PATHS = (*OWN, "/api/bench/row")

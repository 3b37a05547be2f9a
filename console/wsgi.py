"""The WSGI application that granian serves."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
application = get_wsgi_application()

# A cascade of 10,000 nodes makes many small objects: the collector would walk them a dozen times.
gc.freeze()
gc.set_threshold(50_000, 20, 20)

"""The product's settings on a private state directory, whatever the shell's environment says.

SQLite in a file by default; with DATABASE_URL the same tests run on PostgreSQL.
"""

import os
import tempfile

os.environ["CONSOLE_HOME"] = tempfile.mkdtemp(prefix="console-test-")
os.environ["SECRET_KEY"] = "tests-only-" + "x" * 40
os.environ["ALLOWED_HOSTS"] = "127.0.0.1,localhost,testserver"
for _name in ("BROKER", "CONSOLE_CONFIG", "REDIS_URL", "CELERY_BROKER_URL", "DEMO", "PUBLIC_URL"):
    os.environ.pop(_name, None)

from console.settings import *  # noqa: E402, F403
from console.settings import CONSOLE_HOME, DATABASES  # noqa: E402

(CONSOLE_HOME / "static").mkdir()  # whitenoise looks for it
if DATABASES["default"]["ENGINE"] == "kit.sqlite":
    DATABASES["default"]["TEST"] = {"NAME": CONSOLE_HOME / "test.sqlite3"}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

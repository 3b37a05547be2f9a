import os

from django.apps import AppConfig
from django.conf import settings

import brokers.config
import kit.limits
from console import environment


class ConsoleConfig(AppConfig):
    """The top floor."""

    name = "console"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register checks and signals, say what the limits are and where the brokers' file is."""
        # They need the apps to be loaded.
        from console import checks, holding, metrics, signals  # noqa: F401, PLC0415

        kit.limits.use(settings.INTAKE)
        brokers.config.use(_brokers)
        metrics.connect()
        holding.connect()


def _brokers() -> brokers.config.Config:
    """console.toml, or BROKER alone; the console's own task transport is hidden."""
    return brokers.config.load(
        settings.CONSOLE_CONFIG,
        settings.BROKER,
        {**environment.saved(settings.CONSOLE_HOME), **os.environ},
        settings.CELERY_BROKER_URL,
    )

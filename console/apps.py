import os

from django.apps import AppConfig
from django.conf import settings

import brokers.config
from console import environment


def _brokers() -> brokers.config.Config:
    return brokers.config.load(
        settings.CONSOLE_CONFIG,
        settings.BROKER,
        {**environment.saved(settings.CONSOLE_HOME), **os.environ},
        settings.CELERY_BROKER_URL,
    )


class ConsoleConfig(AppConfig):
    """The top floor."""

    name = "console"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Say where the brokers' configuration is; it is read when first asked for."""
        brokers.config.use(_brokers)

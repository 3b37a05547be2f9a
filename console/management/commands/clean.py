"""`./manage.py clean`: remove the state directory."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from console.processes.up import clean


class Command(BaseCommand):
    """Refuses while a console runs on it; ends what a killed run left."""

    help = "Remove the state directory (CONSOLE_HOME) with all that was taken in."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Remove it."""
        try:
            clean(settings.CONSOLE_HOME)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error

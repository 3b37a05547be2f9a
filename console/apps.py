from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """The top floor."""

    name = "console"
    default_auto_field = "django.db.models.BigAutoField"

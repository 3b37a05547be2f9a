from django.apps import AppConfig


class DlqConfig(AppConfig):
    """Dead letters, revisions, replays."""

    name = "dlq"
    default_auto_field = "django.db.models.BigAutoField"

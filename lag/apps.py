from django.apps import AppConfig


class LagConfig(AppConfig):
    """Samples and verdicts."""

    name = "lag"
    default_auto_field = "django.db.models.BigAutoField"

from django.apps import AppConfig


class TracingConfig(AppConfig):
    """Events, receipts, flows."""

    name = "tracing"
    default_auto_field = "django.db.models.BigAutoField"

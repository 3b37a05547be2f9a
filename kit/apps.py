from django.apps import AppConfig


class KitConfig(AppConfig):
    """Users, tokens, audit and the tools of the house."""

    name = "kit"
    default_auto_field = "django.db.models.BigAutoField"

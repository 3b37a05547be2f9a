"""`./manage.py demo`: `up` with the shop."""

from typing import Any

from console.management.commands import up


class Command(up.Command):
    """The whole product with orders flowing and three incidents."""

    help = "Start everything, with the shop producing orders and three running incidents."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until stopped."""
        super().handle(*args, **{**options, "demo": True})

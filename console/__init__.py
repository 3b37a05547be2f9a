"""Top floor: settings, addresses, processes, overview, sign-in, API root, metrics endpoint."""

from console.celery import app as celery_app

__all__ = ["celery_app"]

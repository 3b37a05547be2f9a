"""The URLs of the house: features bring their own lists, the console mounts them."""

from django.urls import include, path

from console.api import api

urlpatterns = [
    path("api/", api.urls),
    path("", include("console.page_urls")),
    path("", include("tracing.urls")),
    path("", include("dlq.urls")),
    path("", include("lag.urls")),
]

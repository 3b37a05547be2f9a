"""The URLs of the house: features bring their own lists, the console mounts them."""

from django.urls import include, path

from console.api import api
from tracing.receivers.otlp import take_traces

urlpatterns = [
    path("api/", api.urls),
    path("v1/traces", take_traces),
    path("", include("console.page_urls")),
    path("", include("tracing.urls")),
    path("", include("dlq.urls")),
    path("", include("lag.urls")),
]

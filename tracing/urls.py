"""The pages of what happened."""

from django.urls import path

from tracing import views

app_name = "tracing"
urlpatterns = [
    path("orders", views.orders, name="orders"),
    path("pins", views.pin, name="pin"),
    path("keys/<path:key>", views.key, name="key"),
    path("orders/<path:flow_id>", views.cascade, name="cascade"),
]

"""The page of lag."""

from django.urls import path

from lag import views

app_name = "lag"
urlpatterns = [path("lag", views.lag, name="lag")]

"""The console's own pages."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from console import health, metrics
from console.views import (
    account,
    audit,
    demo,
    mapping,
    nav,
    overview,
    settings,
    storage,
    topology,
)

app_name = "console"
urlpatterns = [
    path("", overview.overview, name="overview"),
    path("topology", topology.topology, name="topology"),
    path("audit", audit.audit, name="audit"),
    path("settings", settings.settings_page, name="settings"),
    path("settings/storage", storage.storage, name="storage"),
    path("settings/tokens", settings.issue_token, name="issue_token"),
    path("settings/tokens/<int:token_id>/revoke", settings.revoke_token, name="revoke_token"),
    path("settings/mapping/<slug:broker>", mapping.streams, name="streams"),
    path("settings/mapping/<slug:broker>/<path:stream>", mapping.mapping, name="mapping"),
    path("settings/mappings/<int:mapping_id>/delete", mapping.delete, name="delete_mapping"),
    path("demo/incident", demo.incident, name="incident"),
    path(
        "login",
        LoginView.as_view(template_name="console/login.html", redirect_authenticated_user=True),
        name="login",
    ),
    path("login/<int:user_id>/<str:token>", account.login_link, name="login_link"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("nav", nav.counts, name="nav"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
]

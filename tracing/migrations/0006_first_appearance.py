from django.db import migrations, models


def _text(name: str, length: int) -> migrations.RunSQL:
    """A column added in no time at any size: Django would copy SQLite's table for each."""
    field = models.CharField(blank=True, db_default="", max_length=length)
    return migrations.RunSQL(
        f"ALTER TABLE tracing_event ADD COLUMN {name} varchar({length}) DEFAULT '' NOT NULL",
        f"ALTER TABLE tracing_event DROP COLUMN {name}",
        state_operations=[migrations.AddField("event", name, field)],
    )


class Migration(migrations.Migration):
    """The first appearance of an event goes into its own row; the old rows stay as they are."""

    dependencies = [
        ('tracing', '0005_large_payloads'),
    ]

    operations = [
        _text("stream", 255),
        _text("position", 64),
        migrations.AddField("event", "broker_time", models.DateTimeField(null=True)),
        _text("replay_attempt", 80),
        _text("replay_target", 255),
        migrations.RemoveConstraint("appearance", "appearance_position"),
        migrations.RemoveIndex("appearance", "appearance_identity"),
        migrations.AddConstraint(
            "appearance",
            models.UniqueConstraint(
                fields=("identity", "broker", "stream", "position"), name="appearance_place"
            ),
        ),
    ]

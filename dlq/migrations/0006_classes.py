from django.db import migrations, models


def forwards(apps, schema_editor):
    Item, Replay = apps.get_model("dlq", "Item"), apps.get_model("dlq", "Replay")
    Item.objects.exclude(why="").update(fate="superseded")
    Item.objects.filter(state="superseded").update(state="stays")
    Replay.objects.filter(include_superseded=True).update(choices={"superseded": "send"})


def backwards(apps, schema_editor):
    Item, Replay = apps.get_model("dlq", "Item"), apps.get_model("dlq", "Replay")
    Item.objects.filter(state__in=("stays", "held")).update(state="superseded")
    Replay.objects.filter(choices__superseded="send").update(include_superseded=True)


class Migration(migrations.Migration):

    dependencies = [
        ('dlq', '0005_body_field'),
    ]

    operations = [
        migrations.RenameField(model_name='item', old_name='superseded_by', new_name='why'),
        migrations.AddField(
            model_name='item',
            name='fate',
            field=models.CharField(choices=[('ready', 'ready'), ('superseded', 'superseded'), ('already_succeeded', 'already succeeded'), ('expired', 'expired'), ('replayed_often', 'replayed often'), ('no_target', 'no target'), ('changed', 'changed')], default='ready', max_length=20),
        ),
        migrations.AddField(
            model_name='replay',
            name='choices',
            field=models.JSONField(default=dict),
        ),
        migrations.RunPython(forwards, backwards),
        migrations.AlterField(
            model_name='item',
            name='state',
            field=models.CharField(choices=[('waiting', 'waiting'), ('stays', 'stays'), ('held', 'held'), ('changed', 'changed'), ('sending', 'sending'), ('sent', 'sent'), ('maybe_sent', 'maybe sent'), ('succeeded', 'succeeded'), ('failed_again', 'failed again'), ('skipped', 'skipped'), ('handled', 'handled'), ('no_receipt', 'no receipt'), ('unsent', 'unsent')], default='waiting', max_length=16),
        ),
        migrations.RemoveField(model_name='replay', name='include_superseded'),
    ]

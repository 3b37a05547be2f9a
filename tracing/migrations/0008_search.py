from django.db import migrations, models

import tracing.models.search

# What a flow is found by is written anew by the summariser, for all flows there are.
AGAIN = "UPDATE tracing_flow SET dirty_since = started_at WHERE dirty_since IS NULL"
FTS5 = (
    "CREATE VIRTUAL TABLE tracing_eventwords_fts USING fts5(words, content='tracing_eventwords',"
    " content_rowid='event_id', tokenize='unicode61 remove_diacritics 0', columnsize=0)",
    "CREATE TRIGGER tracing_eventwords_added AFTER INSERT ON tracing_eventwords BEGIN"
    " INSERT INTO tracing_eventwords_fts(rowid, words) VALUES (new.event_id, new.words); END",
    "CREATE TRIGGER tracing_eventwords_gone AFTER DELETE ON tracing_eventwords BEGIN"
    " INSERT INTO tracing_eventwords_fts(tracing_eventwords_fts, rowid, words)"
    " VALUES ('delete', old.event_id, old.words); END",
)
# New rows wait in no list of their own: a search would have to read it from end to end.
GIN = (
    "CREATE INDEX eventwords_words ON tracing_eventwords USING gin (words) WITH (fastupdate = off)",
)


def add_index(apps, schema_editor):
    for statement in FTS5 if schema_editor.connection.vendor == 'sqlite' else GIN:
        schema_editor.execute(statement)


def drop_index(apps, schema_editor):
    if schema_editor.connection.vendor == 'sqlite':
        schema_editor.execute('DROP TRIGGER tracing_eventwords_added')
        schema_editor.execute('DROP TRIGGER tracing_eventwords_gone')
        schema_editor.execute('DROP TABLE tracing_eventwords_fts')


class Migration(migrations.Migration):

    dependencies = [
        ('tracing', '0007_event_sequence'),
    ]

    operations = [
        migrations.DeleteModel(name='FlowType'),
        migrations.CreateModel(
            name='EventWords',
            fields=[
                ('event_id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('words', tracing.models.search.WordsField()),
            ],
        ),
        migrations.CreateModel(
            name='WordsMark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event_id', models.BigIntegerField(default=0)),
                ('received_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='FlowConsumer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('flow_id', models.CharField(max_length=255)),
                ('started_at', models.DateTimeField()),
                ('consumer', models.CharField(max_length=255)),
            ],
            options={
                'indexes': [models.Index(fields=['consumer', '-started_at', '-flow_id'], name='flowconsumer_list')],
                'constraints': [models.UniqueConstraint(fields=('flow_id', 'consumer'), name='flowconsumer_flow')],
            },
        ),
        migrations.CreateModel(
            name='FlowError',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('flow_id', models.CharField(max_length=255)),
                ('started_at', models.DateTimeField()),
                ('word', models.CharField(max_length=64)),
            ],
            options={
                'indexes': [models.Index(fields=['word', '-started_at', '-flow_id'], name='flowerror_list')],
                'constraints': [models.UniqueConstraint(fields=('flow_id', 'word'), name='flowerror_flow')],
            },
        ),
        migrations.CreateModel(
            name='FlowType',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('flow_id', models.CharField(max_length=255)),
                ('started_at', models.DateTimeField()),
                ('type', models.CharField(max_length=255)),
            ],
            options={
                'indexes': [models.Index(fields=['type', '-started_at', '-flow_id'], name='flowtype_list')],
                'constraints': [models.UniqueConstraint(fields=('flow_id', 'type'), name='flowtype_flow')],
            },
        ),
        migrations.RunPython(add_index, drop_index),
        migrations.RunSQL(AGAIN, migrations.RunSQL.noop),
    ]

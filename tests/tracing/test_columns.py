"""The writers' own description of the tables is that of the models."""

from django.apps import apps

from tracing import columns
from tracing.bulk import Table

KINDS = {
    "BinaryField": "bytea",
    "DateTimeField": "timestamptz",
    "JSONField": "jsonb",
    "IntegerField": "int4",
    "FloatField": "float8",
    "BigIntegerField": "int8",
    "CharField": "text",
    "TextField": "text",
}


def test_types_are_those_of_the_columns() -> None:
    models = {model._meta.db_table: model for model in apps.get_models()}
    tables = [one for one in vars(columns).values() if isinstance(one, Table)]
    assert len(tables) > 5
    for table in tables:
        fields = {field.column: field for field in models[table.name]._meta.concrete_fields}
        kinds = [KINDS[fields[column].get_internal_type()] for column in table.columns]
        assert list(table.types) == kinds, table.name

"""What people look for by words is found by an index (incidents/search)."""

from django.db import migrations

from incidents.search.schema import search_kept


class Migration(migrations.Migration):
    dependencies = [("incidents", "0010_append_only_workspace")]

    operations = [search_kept()]

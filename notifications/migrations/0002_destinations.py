import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from audit.immutability import append_only
from escalation_site.kernel.migrating import LeanMigration


class Migration(LeanMigration):

    dependencies = [
        ('notifications', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='HistoricalDestination',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('name', models.CharField(db_index=True, max_length=80, verbose_name='name')),
                ('slug', models.SlugField(max_length=60, verbose_name='slug')),
                ('kind', models.CharField(choices=[('chat', 'Chat channel'), ('webhook', 'Webhook')], max_length=10, verbose_name='kind')),
                ('host', models.CharField(editable=False, max_length=255, verbose_name='host')),
                ('enabled', models.BooleanField(default=True, verbose_name='enabled')),
                ('carries_restricted', models.BooleanField(default=False, help_text='Only where everybody who reads there may know of them.', verbose_name='restricted incidents too')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
            ],
            options={
                'verbose_name': 'historical destination',
                'verbose_name_plural': 'historical destinations',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.AddField(
            model_name='message',
            name='about',
            field=models.CharField(blank=True, db_default='', help_text='What a post concerns (“incident:42”), to find it by.', max_length=60, verbose_name='about'),
        ),
        migrations.AlterField(
            model_name='message',
            name='kind',
            field=models.CharField(choices=[('page', 'Page'), ('notice', 'Notice'), ('post', 'Post')], default='page', max_length=20, verbose_name='kind'),
        ),
        migrations.AlterField(
            model_name='message',
            name='recipient',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to=settings.AUTH_USER_MODEL, verbose_name='recipient'),
        ),
        migrations.CreateModel(
            name='Destination',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80, unique=True, verbose_name='name')),
                ('slug', models.SlugField(max_length=60, unique=True, verbose_name='slug')),
                ('kind', models.CharField(choices=[('chat', 'Chat channel'), ('webhook', 'Webhook')], max_length=10, verbose_name='kind')),
                ('host', models.CharField(editable=False, max_length=255, verbose_name='host')),
                ('address_sealed', models.TextField(editable=False, verbose_name='address')),
                ('secret_sealed', models.TextField(blank=True, editable=False, verbose_name='signing secret')),
                ('enabled', models.BooleanField(default=True, verbose_name='enabled')),
                ('carries_restricted', models.BooleanField(default=False, help_text='Only where everybody who reads there may know of them.', verbose_name='restricted incidents too')),
            ],
            options={
                'verbose_name': 'destination',
                'verbose_name_plural': 'destinations',
                'ordering': ('name',),
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('kind', 'webhook'), _negated=True), models.Q(('secret_sealed', ''), _negated=True), _connector='OR'), name='destination_webhook_is_signed')],
            },
        ),
        migrations.AddField(
            model_name='message',
            name='destination',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='notifications.destination', verbose_name='destination'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('destination__isnull', False)), fields=['about'], name='message_posts'),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('destination__isnull', True), ('recipient__isnull', False)), models.Q(('destination__isnull', False), ('recipient__isnull', True)), _connector='OR'), name='message_to_one'),
        ),
        migrations.AddField(
            model_name='historicaldestination',
            name='history_user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        append_only(("notifications_historicaldestination", "history_id")),
    ]

"""The regular tasks of settings.SCHEDULES, kept in django-q2's table: an edit of the settings takes effect at the
next migration, or at the next start of `manage.py up`."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django_q.models import Schedule

from escalation_site.kernel.instants import now

_PREFIX = "watchbell: "
_SLACK = timedelta(minutes=1)


def schedules_apply() -> None:
    """Add what is missing, change what differs, remove ours that are no longer listed. Schedules of other names are
    left alone. Does nothing where django-q2 has no tables yet."""
    if Schedule._meta.db_table not in connection.introspection.table_names():
        return
    existing = {schedule.name: schedule for schedule in Schedule.objects.filter(name__startswith=_PREFIX)}
    for name, (function, minutes) in settings.SCHEDULES.items():
        schedule = existing.pop(_PREFIX + name, None) or Schedule(name=_PREFIX + name)
        if (schedule.func, schedule.minutes, schedule.repeats) != (function, minutes, -1):
            schedule.func, schedule.minutes, schedule.repeats = function, minutes, -1
            schedule.schedule_type = Schedule.MINUTES
            schedule.save()
    for schedule in existing.values():
        schedule.delete()
    schedules_resume(at=now())


def schedules_resume(*, at: datetime) -> int:
    """Let run at ``at`` what is planned further ahead than it may be: the clock was set back since, and the safety net would wait
    until it is again what it was. Returns how many those were."""
    return sum(
        Schedule.objects.filter(name=_PREFIX + name, next_run__gt=at + timedelta(minutes=minutes) + _SLACK).update(
            next_run=at
        )
        for name, (_function, minutes) in settings.SCHEDULES.items()
    )

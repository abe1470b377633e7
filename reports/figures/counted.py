"""What is counted beside the metrics, each defined like them: numbers of things, the burden of shifts, the work on incidents. Pure.

None of it has a column of its own.
"""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from reports.figures.definitions import Group, Kind, Metric

_COUNTED = (
    Metric(
        "incidents",
        Kind.NUMBER,
        Group.SPEED,
        _("Incidents"),
        _("Incidents that started in the period."),
        _("Tests and drills, and incidents merged into another one."),
        _("They are no trouble, or trouble that is counted already."),
        _("Incident: started"),
    ),
    Metric(
        "pages",
        Kind.NUMBER,
        Group.LOAD,
        _("Pages"),
        _("Pages made in the period, repeats and those withdrawn among them."),
        _("Nothing."),
        _("Each was meant to call somebody."),
        _("Pages: made"),
        of="pages",
    ),
    Metric(
        "heavy",
        Kind.SHARE,
        Group.LOAD,
        _("Shifts with more than two incidents"),
        _(
            "Of the shifts of a person in which a page came, the share with pages for more than two incidents. A shift is twelve hours, "
            "from 08:00 or from 20:00 where the person lives."
        ),
        _("Shifts without a page; pages withdrawn before they went out."),
        _("Beyond two incidents nobody has the time to end one and to learn from it."),
        _("Pages; the person’s time zone"),
        of="shifts",
    ),
    Metric(
        "alerts",
        Kind.NUMBER,
        Group.QUALITY,
        _("Alerts"),
        _("Alerts from monitors that belong to incidents which started in the period, each time one came."),
        _("Alerts that made no incident and joined none."),
        _("They were silenced or dropped by a rule, and asked nobody for anything."),
        _("Incident: alerts"),
        of="work",
    ),
    Metric(
        "tasks",
        Kind.NUMBER,
        Group.QUALITY,
        _("Tasks"),
        _("Tasks made in the period on incidents of the filters, whenever these began."),
        _("Nothing; dropped ones count too."),
        _("What was planned was work, whatever became of it."),
        _("Tasks: made"),
        of="work",
    ),
    Metric(
        "tasks_late",
        Kind.NUMBER,
        Group.QUALITY,
        _("Late tasks"),
        _("Tasks neither done nor dropped whose time is over now, on incidents of the filters."),
        _("Tasks without a time; the period is not asked."),
        _("What is late is late, whenever it was made."),
        _("Tasks: due, ended"),
        of="work",
    ),
    Metric(
        "worked",
        Kind.TIME,
        Group.LOAD,
        _("Time spent"),
        _("What people entered as time spent in the period on incidents of the filters, added up."),
        _("Time that nobody entered."),
        _("Nothing of it is known."),
        _("Time entries: minutes, at"),
        of="work",
    ),
)
OTHERS: Mapping[str, Metric] = {one.key: one for one in _COUNTED}

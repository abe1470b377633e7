"""What the demo's history looks up all the time, read once: people, services, doors, schedules."""

from dataclasses import dataclass, field
from datetime import datetime

from incidents.models import Category, Customer, Integration, Service, Stage
from notifications.models import ContactMethod
from oncall.models import Membership, Schedule, Team, User
from oncall.selectors import Loaded, schedules_load
from policies.definition import TargetDef, TargetKind
from policies.targets import Recipient, Resolution, Skills, TargetResolver

_Key = tuple[TargetDef, int | None, Skills]


@dataclass(slots=True)
class Directory:
    """The organisation as it stands. It does not change while the history is told."""

    users: dict[str, User]
    stages: dict[str, Stage]
    categories: dict[str, Category]
    customers: dict[str, Customer]
    services: dict[str, Service]
    integrations: dict[int, Integration]
    methods: dict[int, list[ContactMethod]]
    schedules: dict[str, Loaded]
    teams: set[tuple[int, int]]
    people: dict[int, User] = field(init=False)
    known: dict[_Key, Resolution] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.people = {user.pk: user for user in self.users.values()}

    @classmethod
    def read(cls, *, since: datetime) -> "Directory":
        """Ten queries. ``since`` is the first instant that will be asked about."""
        methods: dict[int, list[ContactMethod]] = {}
        for method in ContactMethod.objects.filter(enabled=True).order_by("user_id", "position", "id"):
            methods.setdefault(method.user_id, []).append(method)
        services = Service.objects.select_related("team", "policy__current_version")
        schedules = list(Schedule.objects.all())
        loaded = schedules_load(schedules, since=since)
        by_pk = {service.pk: service for service in services}
        integrations: dict[int, Integration] = {}
        for integration in Integration.objects.order_by("pk"):
            integration.service = by_pk[integration.service_id]
            integrations.setdefault(integration.service_id, integration)
        return cls(
            users={user.username: user for user in User.objects.filter(is_active=True)},
            stages={stage.key: stage for stage in Stage.objects.all()},
            categories={category.slug: category for category in Category.objects.all()},
            customers={customer.slug: customer for customer in Customer.objects.all()},
            services={service.slug: service for service in by_pk.values()},
            integrations=integrations,
            methods=methods,
            schedules={schedule.slug: loaded[schedule.pk] for schedule in schedules},
            teams=set(Membership.objects.values_list("user", "team")),
        )


class DirectoryResolver(TargetResolver):
    """As TargetResolver, for one instant after another: schedules are asked in memory, everything else is
    remembered.
    """

    def __init__(self, directory: Directory, *, at: datetime) -> None:
        super().__init__(at=at)
        self._directory = directory
        self._people = directory.people

    def _of(self, target: TargetDef, team: Team, skills: Skills) -> Resolution:
        if target.kind is TargetKind.SCHEDULE:
            return Resolution(tuple(self._on_call(target)))
        key = (target, team.pk if target.ref is None else None, skills)
        if key not in self._directory.known:
            self._directory.known[key] = super()._of(target, team, skills)
        return self._directory.known[key]

    def _on_call(self, target: TargetDef) -> list[Recipient]:
        loaded = self._directory.schedules.get(str(target.ref))
        if loaded is None:
            return []
        return [
            Recipient(
                self._people[shift.user_id],
                {
                    "kind": "schedule",
                    "name": loaded.schedule.name,
                    "role": shift.role,
                    "because": str(shift.why),
                    "until": shift.end.isoformat(),
                },
            )
            for shift in loaded.on_call_at(self.at)
            if shift.user_id in self._people and target.role in (None, shift.role)
        ]

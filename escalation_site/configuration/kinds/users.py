"""People: who they are, what they may do, how they are reached."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from audit.rows import row_set
from escalation_site.configuration.document import Item
from escalation_site.configuration.fields import (
    UNUSABLE,
    Choice,
    Field,
    Flag,
    Reference,
    References,
    Scope,
    Secret,
    SecretFromEnvironment,
    Text,
    Whole,
    Zone,
    text_of,
)
from escalation_site.configuration.kind import Fields, Kind, Writing
from escalation_site.configuration.kinds.skills import KIND as SKILLS
from escalation_site.configuration.problems import did_you_mean
from notifications.channels import kind_choices
from notifications.models import ContactMethod
from notifications.services import contact_methods_set
from notifications.values import ContactMethodValue
from oncall.holiday_calendars import holiday_calendar_names
from oncall.holidays_sync import person_calendar_changed
from oncall.models import Skill, User
from oncall.people import user_activate, user_deactivate
from oncall.skills import skills_set

MOST_METHODS = 20
_PLAIN = (
    "email",
    "role",
    "time_zone",
    "language",
    "phone",
    "region",
    "holiday_calendar",
    "capacity_hours",
    "capacity_pages",
    "capacity_incidents",
)


@dataclass(frozen=True, slots=True)
class ContactMethodsField(Field):
    """How the person is reached, in the order of trying."""

    empty: Any = field(default_factory=list)

    def schema(self) -> dict[str, Any]:
        return {
            "type": "array",
            "maxItems": MOST_METHODS,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["kind", "address"],
                "properties": {
                    "kind": {"enum": [kind for kind, _label in kind_choices()]},
                    "address": {"type": "string", "maxLength": 254},
                    "enabled": {"type": "boolean", "default": True},
                },
            },
        }

    def value(self, item: Item, scope: Scope) -> Any:
        if not isinstance(item.data, list) or len(item.data) > MOST_METHODS:
            item.wrong(
                _("must be a list of at most %(most)d contact methods, each with kind and address")
                % {"most": MOST_METHODS}
            )
            return UNUSABLE
        methods = [self._method(entry, scope) for entry in item.entries]
        for index, method in enumerate(methods):
            if method is not UNUSABLE and any(_same(method, other) for other in methods[:index]):
                item.entries[index].wrong(_("is the same address a second time"))
        return UNUSABLE if UNUSABLE in methods else methods

    def _method(self, item: Item, scope: Scope) -> Any:
        before = len(item.problems.found)
        known = ("kind", "address", "enabled")
        if not isinstance(item.data, dict):
            item.wrong(_("must have a kind and an address, such as {kind: email, address: marta@example.org}"))
            return UNUSABLE
        for name, member in item.members.items():
            if name not in known:
                member.wrong(_("is not a known field.") + did_you_mean(name, known))
        for name in ("kind", "address"):
            if name not in item.members:
                item.wrong(_("“%(field)s” is missing") % {"field": name})
        if "kind" in item.members:
            Choice("kind", "", required=True, choices=tuple(kind for kind, _label in kind_choices())).read(
                item.members["kind"], scope
            )
        if "enabled" in item.members:
            Flag("enabled", "").read(item.members["enabled"], scope)
        if "address" in item.members:
            self._check_address(item)
        if len(item.problems.found) > before:
            return UNUSABLE
        return {
            "kind": item.data["kind"],
            "address": item.data["address"].strip(),
            "enabled": item.data.get("enabled", True),
        }

    def _check_address(self, item: Item) -> None:
        address = text_of(item.members["address"], most=254)
        if address is not UNUSABLE and item.data.get("kind") == "email":
            _check_email(item.members["address"], str(address))


def _same(method: Any, other: Any) -> bool:
    return other is not UNUSABLE and (method["kind"], method["address"]) == (other["kind"], other["address"])


def _check_email(item: Item, address: str) -> bool:
    try:
        validate_email(address)
    except ValidationError as error:
        item.wrong(error.messages[0])
        return False
    return True


@dataclass(frozen=True, slots=True)
class Email(Text):
    """An e-mail address."""

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "email", "maxLength": self.most}

    def value(self, item: Item, scope: Scope) -> Any:
        text = text_of(item, most=self.most)
        if isinstance(text, str) and text and not _check_email(item, text):
            return UNUSABLE
        return text


@dataclass(frozen=True, slots=True)
class Password(SecretFromEnvironment):
    """The password for signing in; held against the rules for passwords."""

    def value(self, item: Item, scope: Scope) -> Any:
        secret = SecretFromEnvironment.value(self, item, scope)
        if isinstance(secret, Secret):
            try:
                validate_password(secret.plain)
            except ValidationError as error:
                for message in error.messages:
                    item.wrong(message)
                return UNUSABLE
        return secret


@dataclass(frozen=True, slots=True)
class HolidayCalendar(Text):
    """A country, or a part of one, whose public holidays the person keeps."""

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "examples": ["IT", "DE-BY"]}

    def value(self, item: Item, scope: Scope) -> Any:
        text = text_of(item, most=self.most)
        known = holiday_calendar_names()
        if isinstance(text, str) and text and text not in known:
            item.wrong(
                _("“%(name)s” is no known holiday calendar, such as IT or DE-BY.") % {"name": text}
                + did_you_mean(text, known)
            )
            return UNUSABLE
        return text


class Users(Kind):
    section = "users"
    help = "People, by user name."
    model = User
    name_field = "username"
    name_pattern = r"[\w.@+-]+"
    name_length = 150
    own_reference = "manager"
    after = ("skills",)
    fields = (
        Text("name", "Full name, as shown everywhere.", required=True, most=150),
        Email("email", "E-mail address. A new person without contact methods is paged there.", most=254),
        Choice(
            "role",
            "What they may do; a new person is support staff (reporter).",
            required=False,
            empty="reporter",
            choices=tuple(User.Role.values),
        ),
        Zone("time_zone", "Their time zone (IANA name); UTC unless said.", empty="UTC"),
        Choice(
            "language",
            "The language of their pages and messages.",
            empty="en",
            choices=tuple(code for code, _name in settings.LANGUAGES),
        ),
        Text("phone", "Telephone number, international form.", most=32),
        Text("region", "Where they work.", most=60),
        HolidayCalendar(
            "holiday_calendar", "Whose public holidays they keep, such as IT or DE-BY; none unless said.", most=12
        ),
        References("skills", "What they know; replaces what was there.", section="skills"),
        Whole(
            "capacity_hours",
            "Hours on call in four weeks above which they count as overloaded; no limit unless said.",
            empty=None,
            least=1,
            most=672,
        ),
        Whole(
            "capacity_pages",
            "Pages in one shift after which the next person is asked; as the schedule says unless said.",
            empty=None,
            least=1,
            most=1000,
        ),
        Whole(
            "capacity_incidents",
            "Open incidents they carry at once; five unless said.",
            empty=None,
            least=1,
            most=1000,
        ),
        Reference("manager", "Their manager's user name.", section="users"),
        Flag("active", "false: they keep their history but cannot sign in and are not paged.", empty=True),
        ContactMethodsField(
            "contact_methods", "How they are reached, in the order of trying; replaces what was there."
        ),
        Password(
            "password_env",
            "Environment variable that holds the password; without it a new person signs in otherwise.",
            empty=None,
        ),
    )

    def current(self) -> dict[str, Fields]:
        methods: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for method in ContactMethod.objects.order_by("user_id", "position", "id"):
            methods[method.user_id].append({"kind": method.kind, "address": method.address, "enabled": method.enabled})
        return {
            user.username: {
                "name": user.get_full_name(),
                "email": user.email,
                "role": user.role,
                "time_zone": user.time_zone,
                "language": user.language,
                "phone": str(user.phone) if user.phone else "",
                "region": user.region,
                "holiday_calendar": user.holiday_calendar,
                "skills": sorted(skill.slug for skill in user.skills.all()),
                "capacity_hours": user.capacity_hours,
                "capacity_pages": user.capacity_pages,
                "capacity_incidents": user.capacity_incidents,
                "manager": user.manager.username if user.manager else None,
                "active": user.is_active,
                "contact_methods": methods[user.pk],
                "password_env": user.password,
            }
            for user in User.objects.select_related("manager").prefetch_related("skills")
        }

    def differs(self, name: str, before: Any, wanted: Any) -> bool:
        if name == "password_env" and before is not None:
            return isinstance(wanted, Secret) and not check_password(wanted.plain, before)
        if name == "phone" and before and wanted:
            return _digits(before) != _digits(wanted)
        return super().differs(name, before, wanted)

    def write(self, writing: Writing, name: str, wanted: Fields, changed: Mapping[str, Any]) -> User:
        user: User | None = writing.row(self, name) if User.objects.filter(username=name).exists() else None
        is_new = user is None
        if user is None:
            user = User(username=name, date_joined=writing.at)
        row_set(
            user,
            self._values(writing, changed, is_new=is_new),
            noun="user",
            at=writing.at,
            actor=writing.actor,
            user=writing.user,
            secret=("password",),
        )
        self._follow_up(writing, user, changed)
        methods = changed.get("contact_methods")
        if methods is None and is_new and wanted.get("email"):
            methods = [{"kind": "email", "address": wanted["email"], "enabled": True}]
        if methods is not None:
            values = [ContactMethodValue(**method) for method in methods]
            contact_methods_set(user_id=user.pk, values=values, at=writing.at, actor=writing.actor)
        return user

    def _follow_up(self, writing: Writing, user: User, changed: Mapping[str, Any]) -> None:
        """What hangs on the person's row: their skills, and the holidays of their calendar on their clock."""
        if "skills" in changed:
            skills: list[Skill] = [writing.row(SKILLS, slug) for slug in changed["skills"]]
            skills_set(row=user, manager=user.skills, skills=skills, noun="user", at=writing.at, actor=writing.actor)
        if "holiday_calendar" in changed or (user.holiday_calendar and "time_zone" in changed):
            person_calendar_changed(user=user, at=writing.at)
        if "active" in changed:
            # More than a field: whoever leaves is on call no more, and their tokens and swaps end.
            switch = user_activate if changed["active"] else user_deactivate
            switch(user=user, actor=writing.user, at=writing.at)

    def _values(self, writing: Writing, changed: Mapping[str, Any], *, is_new: bool) -> dict[str, Any]:
        values = {name: changed[name] for name in _PLAIN if name in changed}
        if "name" in changed:
            values["first_name"], _blank, values["last_name"] = changed["name"].partition(" ")
        if "manager" in changed:
            values["manager"] = writing.row(self, changed["manager"])
        password = changed.get("password_env")
        if isinstance(password, Secret):
            if password not in writing.hashes:
                writing.hashes[password] = make_password(password.plain)
            values["password"] = writing.hashes[password]
        elif is_new:
            values["password"] = make_password(None)
        return values

    def place_of(self, error_field: str) -> tuple[str | int, ...]:
        names = {"first_name": "name", "last_name": "name", "is_active": "active", "password": "password_env"}
        return super().place_of(names.get(error_field, error_field))


def _digits(phone: str) -> str:
    return "".join(char for char in phone if char.isdigit())


KIND = Users()

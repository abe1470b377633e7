"""`manage.py apply` and files with mistakes: each is told with file, line and field, all at once, and nothing is
changed.
"""

from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from escalation_site.configuration.applying import configuration_apply
from escalation_site.configuration.document import document_read
from escalation_site.configuration.problems import ConfigurationInvalid
from escalation_site.configuration.registry import all_kinds
from oncall.models import Team, User

AT = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
SMALL = """\
users:
  marta: {name: Marta Ferri, email: marta@example.org, role: responder}
teams:
  payments: {name: Payments, members: [marta]}
"""


def mistakes(text: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigurationInvalid) as refused:
        configuration_apply(text, source="o.yaml", at=AT, environ=environ)
    return str(refused.value).splitlines()


@pytest.mark.django_db
def test_when_a_file_has_many_mistakes_then_each_is_told_with_line_and_field_and_nothing_changes() -> None:
    text = """\
users:
  marta:
    name: Marta Ferri
    rol: responder
  jonas:
    role: responderr
    time_zone: Europe/Amsterdm
teams:
  payments:
    name: Payments
    members: [marta, jnoas]
servics: {}
"""
    assert mistakes(text) == [
        "o.yaml:4: users.marta.rol: is not a known field. Did you mean “role”? Known are: name, email, role, "
        "time_zone, language, phone, region, holiday_calendar, skills, capacity_hours, capacity_pages, "
        "capacity_incidents, manager, active, "
        "contact_methods, password_env.",
        "o.yaml:5: users.jonas: “name” is missing",
        "o.yaml:6: users.jonas.role: must be one of reporter, responder, manager, auditor, administrator. "
        "Did you mean “responder”?",
        "o.yaml:7: users.jonas.time_zone: “Europe/Amsterdm” is no IANA time zone, such as Europe/Rome. "
        "Did you mean “Europe/Amsterdam”?",
        "o.yaml:11: teams.payments.members[1]: “jnoas” is not among the users. Did you mean “jonas”?",
        "o.yaml:12: servics: is not a known section. Did you mean “services”? Known are: "
        f"{', '.join(kind.section for kind in all_kinds())}.",
    ]
    assert not User.objects.exists()
    assert not Team.objects.exists()


@pytest.mark.django_db
def test_when_a_definition_has_mistakes_then_they_have_their_own_lines() -> None:
    text = (
        SMALL
        + """\
schedules:
  first:
    name: First
    time_zone: Europe/Rome
    layers:
      - name: Week
        start: 2026-01-05
        rotation: weekly
        handof: mon 09:00
        participants: [marta, nobody]
policies:
  critical:
    name: Critical
    levels:
      - name: Primary
        targets:
          - {kind: schedule, ref: firts}
        ack_timeout: 0s
      - name: Manager
        targets: [{kind: user, rfe: marta}]
        ack_timeout: 5m
"""
    )
    told = mistakes(text)

    assert [line.split(":")[1] for line in told] == ["13", "14", "22", "24", "24"]
    assert told[0].startswith(
        "o.yaml:13: schedules.first.layers[0].handof: is not a known field. Did you mean “handoff”?"
    )
    assert told[1].startswith("o.yaml:14: schedules.first.layers[0].participants[1]")
    assert told[2] == "o.yaml:22: policies.critical.levels[0].ack_timeout: must be longer than 0 seconds"
    assert "levels[1].targets[0].rfe: is not a known field. Did you mean “ref”?" in told[3]


@pytest.mark.django_db
def test_when_a_target_is_unknown_then_the_nearest_name_is_offered() -> None:
    text = SMALL + "policies: {p: {name: P, levels: [{name: A, targets: [{kind: user, ref: mrata}], ack_timeout: 5m}]}}"

    assert mistakes(text) == [
        "o.yaml:5: policies.p.levels[0].targets[0].ref: “mrata” is not among the users. Did you mean “marta”?"
    ]


@pytest.mark.django_db
def test_when_two_people_have_one_address_then_the_second_is_told_at_its_line() -> None:
    text = SMALL + "  support: {name: payments}\n"
    text = text.replace("teams:", "  sofie: {name: Sofie van Dijk, email: MARTA@example.org}\nteams:")

    assert mistakes(text) == ["o.yaml:3: users.sofie: Somebody else has this e-mail address."]


@pytest.mark.django_db
def test_when_teams_are_each_others_parent_then_the_circle_is_told() -> None:
    told = mistakes("teams:\n  a: {name: A, parent: b}\n  b: {name: B, parent: a}\n")

    assert len(told) == 1
    assert "parent: makes a circle: " in told[0]


@pytest.mark.django_db
def test_when_a_circle_closes_over_what_is_stored_then_it_is_told() -> None:
    configuration_apply("teams:\n  a: {name: A}\n  b: {name: B, parent: a}\n", source="o.yaml", at=AT, environ={})

    assert "makes a circle" in mistakes("teams:\n  a: {parent: b}\n")[0]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("users: {marta: {name: 5}}", "users.marta.name: must be a text; put it in quotes if it looks like a number"),
        ("users: {marta: {name: null}}", "users.marta.name: must not be empty"),
        ("users: {marta: Ferri}", "users.marta: must be a mapping of fields"),
        ("users: [marta]", "users: must be a mapping of names to their fields"),
        ("users: {'mar ta': {name: M}}", "users.mar ta: “mar ta” cannot be a name here"),
        ("users: {m: {name: M, email: m@}}", "users.m.email: Enter a valid email address."),
        ("users: {m: {name: M, active: yes}}", "users.m.active: must be true or false"),
        (
            "users: {m: {name: M, password_env: ABSENT}}",
            "users.m.password_env: the environment variable ABSENT is not set",
        ),
        ("users: {m: {name: M, phone: '12'}}", "users.m.phone: "),
        ("users: {m: {name: M, contact_methods: [{kind: email}]}}", "users.m.contact_methods[0]: “address” is missing"),
        (
            "users: {m: {name: M, contact_methods: [{kind: pigeon, address: x}]}}",
            "users.m.contact_methods[0].kind: must be one of ",
        ),
        ("users: {m: {name: M}}\nteams: {t: {name: T, members: [m, m]}}", "teams.t.members[1]: is listed twice"),
        (
            "users: {m: {name: M}}\nteams: {t: {name: T, members: [m], leads: [m]}}",
            "teams.t.leads: “m” is among the members too",
        ),
        (
            "teams: {t: {name: T}}\nservices: {s: {name: S, team: t, tier: 4}}",
            "services.s.tier: must be a whole number from 1 to 3",
        ),
        (
            "teams: {t: {name: T}}\nservices: {s: {name: S, team: t, default_severity: bad}}",
            "default_severity: must be a severity from SEV-1",
        ),
        ("teams: {t: {name: T}}\nservices: {s: {name: S, team: t, runbook_url: wiki}}", "services.s.runbook_url: "),
        (
            "teams: {t: {name: T}}\nservices: {s: {name: S, team: t}}\n"
            "integrations: {i: {name: I, kind: pagerduty, service: s, key: short}}",
            "integrations.i.key: must be at least 8 characters long",
        ),
    ],
)
def test_when_a_value_is_wrong_then_the_field_and_the_rule_are_told(text: str, told: str) -> None:
    (line,) = mistakes(text)

    assert told in line


@pytest.mark.django_db
def test_when_a_weak_password_is_given_then_it_is_refused_and_not_repeated() -> None:
    told = mistakes("users: {m: {name: M, password_env: PW}}", PW="password1")

    assert all("users.m.password_env: This password is too" in line for line in told)
    assert "password1" not in str(told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("users: {", "o.yaml:1: is not valid YAML: "),
        ("users:\n\tmarta: {}", "o.yaml:2: is not valid YAML: "),
        ("- users", "o.yaml:1: must be a mapping of sections"),
        ("users: \x00", "o.yaml:1: holds a character that YAML does not allow"),
        ("a: 1\n---\nb: 2", "o.yaml:2: is not valid YAML: "),
        ("users: &a {m: *a}", "o.yaml:1: is not valid YAML: repeats itself without end"),
        ("users: !!python/object:os.system {}", "o.yaml:1: "),
        ("? [a, b]\n: c", "o.yaml:1: is not valid YAML: a name must be a text"),
    ],
)
@pytest.mark.django_db
def test_when_the_file_is_no_yaml_then_the_line_is_told(text: str, told: str) -> None:
    assert mistakes(text)[0].startswith(told)


@pytest.mark.django_db
def test_when_a_name_is_given_twice_then_it_is_refused() -> None:
    assert mistakes("users:\n  marta: {name: A}\n  marta: {name: B}\n") == ["o.yaml:3: users.marta: is given twice"]


def test_when_an_alias_grows_without_measure_then_the_file_is_refused() -> None:
    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 9)
    )

    with pytest.raises(ConfigurationInvalid, match="is too large"):
        document_read(laughs, source="o.yaml")


def test_when_yaml_is_read_then_times_dates_and_words_are_texts_and_anchors_work() -> None:
    read = document_read("x-a: &a {at: 22:00, on: no, day: 2026-01-05}\nb: {<<: *a, day: 7}\n", source="o.yaml").data

    assert read["b"] == {"at": "22:00", "on": "no", "day": 7}


@pytest.mark.django_db
def test_when_the_command_meets_mistakes_then_it_lists_them_and_fails(tmp_path: Path) -> None:
    file, told = tmp_path / "o.yaml", StringIO()
    file.write_text("users: {marta: {nmae: Marta}}", encoding="utf-8")

    with pytest.raises(CommandError, match="2 mistakes; nothing was changed"):
        call_command("apply", str(file), stderr=told)
    assert f"{file}:1: users.marta.nmae: is not a known field. Did you mean “name”?" in told.getvalue()


@pytest.mark.django_db
def test_when_the_finer_parts_of_a_policy_name_what_does_not_exist_then_each_is_told_with_its_line() -> None:
    text = (
        SMALL
        + """\
policies:
  p:
    name: P
    levels:
      - name: One
        ack_timeout: {after: 30m, by_severity: {SEV-1: 5m}}
        targets:
          - {kind: functional_team, ref: paymnts}
        raci:
          responsible: [{kind: user, ref: mrata}]
          accountable: {kind: team_lead, ref: payment}
    final: {target: {kind: policy, ref: q}, every: 5m}
    overseer: {kind: user, ref: zoe}
"""
    )

    assert mistakes(text) == [
        "o.yaml:12: policies.p.levels[0].targets[0].ref: “paymnts” is not among the teams. Did you mean “payments”?",
        "o.yaml:14: policies.p.levels[0].raci.responsible[0].ref: “mrata” is not among the users. Did you mean “marta”?",
        "o.yaml:15: policies.p.levels[0].raci.accountable.ref: “payment” is not among the teams. Did you mean “payments”?",
        "o.yaml:16: policies.p.final.target.ref: “q” is not among the policies.",
        "o.yaml:17: policies.p.overseer.ref: “zoe” is not among the users.",
    ]

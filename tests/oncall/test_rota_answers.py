"""What the rota answers: people, reasons, gaps, overlaps, handoffs, comparisons, loads."""

from datetime import datetime, time, timedelta
from typing import Any

import pytest

from oncall.rota import (
    AbsenceReason,
    Cause,
    Every,
    FixedShift,
    Handoff,
    LayerSpec,
    Limits,
    OverlapKind,
    Override,
    OverrideKind,
    Restriction,
    Rota,
    RotaError,
    ScheduleKind,
    ScheduleSpec,
    Skip,
    Version,
    WhenAbsent,
    Why,
    away_on_call,
    choose,
    clashes,
    compare,
    coverage,
    expand_follows,
    fairness,
    gaps,
    layer_shifts,
    limit_reason,
    next_handoff,
    on_call_at,
    overlaps,
    override_overlaps,
    resolve,
    shifts,
    skill_reasons,
    stack_overrides,
    succession,
    workloads,
)
from tests.oncall.rota_cast import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    Within,
    absence,
    layer,
    local,
    override,
    rome,
    schedule,
    told,
    utc,
)

MONDAY, TUESDAY, NEXT_MONDAY = rome("2026-06-01 09:00"), rome("2026-06-02 09:00"), rome("2026-06-08 09:00")
HOUR = timedelta(hours=1)
PAIR = schedule(layer("2026-06-01 09:00", ALICE, BOB))
TWO_ROLES = schedule(
    layer("2026-06-01 09:00", ALICE, BOB), layer("2026-06-01 09:00", BOB, CAROL, name="backup", role="secondary")
)
OFFICE = tuple(Restriction(weekday=day, start=time(9), end=time(17)) for day in range(5))


def who(spec: Rota, at: datetime, **more: Any) -> list[tuple[int, str, Why]]:
    return [(shift.user_id, shift.role, shift.why) for shift in on_call_at(spec, at=at, **more)]


def test_when_asked_who_is_on_call_then_the_answer_says_who_why_and_from_when_to_when() -> None:
    (alice,) = on_call_at(PAIR, at=TUESDAY)
    assert (alice.user_id, alice.why, alice.layer, alice.turn) == (ALICE, Why.LAYER, "week", 0)
    assert (alice.start, alice.end) == (MONDAY, NEXT_MONDAY)


def test_when_a_turn_outlasts_every_look_around_then_its_end_is_still_given_as_far_as_looked() -> None:
    years = schedule(layer("2020-01-01 00:00", ALICE, rotation=Every.MONTHLY, every=240))
    (alice,) = on_call_at(years, at=TUESDAY)
    assert alice.end - TUESDAY >= timedelta(days=400)


def test_when_layers_have_roles_then_the_roles_stand_side_by_side_in_the_order_of_layers() -> None:
    assert who(TWO_ROLES, TUESDAY) == [(ALICE, "primary", Why.LAYER), (BOB, "secondary", Why.LAYER)]


def test_when_two_layers_are_open_then_the_later_one_wins_and_closed_it_hides_nothing() -> None:
    spec = schedule(
        layer("2026-06-01 00:00", ALICE, name="always"),
        layer("2026-06-01 00:00", BOB, name="office", restrictions=OFFICE),
    )
    found = shifts(spec, since=rome("2026-06-01 00:00"), until=rome("2026-06-02 00:00"))
    assert told(found) == [
        "alice 06-01 00:00 – 06-01 09:00",
        "bob 06-01 09:00 – 06-01 17:00",
        "alice 06-01 17:00 – 06-02 00:00",
    ]


def test_when_a_group_serves_together_then_all_of_it_is_on_call() -> None:
    spec = schedule(layer("2026-06-01 09:00", (ALICE, BOB), CAROL))
    assert [person for person, _, _ in who(spec, TUESDAY)] == [ALICE, BOB]
    assert overlaps(spec, since=MONDAY, until=NEXT_MONDAY) == ()


def test_when_the_person_is_away_then_the_next_one_covers_and_the_order_of_turns_stays() -> None:
    away = [absence(ALICE, TUESDAY, TUESDAY + 2 * HOUR)]
    spec = schedule(layer("2026-06-01 09:00", ALICE, BOB, CAROL))
    found = shifts(spec, since=MONDAY, until=rome("2026-06-15 09:00"), absences=away)
    assert told(found) == [
        "alice 06-01 09:00 – 06-02 09:00",
        "bob 06-02 09:00 – 06-02 11:00",
        "alice 06-02 11:00 – 06-08 09:00",
        "bob 06-08 09:00 – 06-15 09:00",
    ]
    assert [(shift.why, shift.instead_of) for shift in found[:2]] == [(Why.LAYER, None), (Why.COVER, ALICE)]


def test_when_the_person_has_a_public_holiday_then_the_cover_says_so() -> None:
    away = [absence(ALICE, TUESDAY, TUESDAY + HOUR, AbsenceReason.HOLIDAY)]
    assert who(PAIR, TUESDAY, absences=away) == [(BOB, "primary", Why.HOLIDAY_COVER)]


def test_when_one_of_a_group_is_away_then_the_others_serve_without_cover() -> None:
    spec = schedule(layer("2026-06-01 09:00", (ALICE, BOB), CAROL))
    assert who(spec, TUESDAY, absences=[absence(ALICE, MONDAY, NEXT_MONDAY)]) == [(BOB, "primary", Why.LAYER)]


def test_when_the_next_is_away_too_then_the_one_after_covers() -> None:
    spec = schedule(layer("2026-06-01 09:00", ALICE, BOB, (), (CAROL, DAVE)))
    away = [absence(ALICE, MONDAY, NEXT_MONDAY), absence(BOB, TUESDAY, TUESDAY + HOUR)]
    assert [person for person, _, _ in who(spec, MONDAY, absences=away)] == [BOB]
    assert [person for person, _, _ in who(spec, TUESDAY, absences=away)] == [CAROL, DAVE]


def test_when_a_layer_covers_nobody_then_the_layer_below_serves() -> None:
    spec = schedule(
        layer("2026-06-01 09:00", CAROL, name="below"),
        layer("2026-06-01 09:00", ALICE, BOB, name="above", when_absent=WhenAbsent.NOBODY),
    )
    (carol,) = on_call_at(spec, at=TUESDAY, absences=[absence(ALICE, MONDAY, NEXT_MONDAY)])
    assert (carol.user_id, carol.layer) == (CAROL, "below")


def test_when_a_listed_shift_falls_to_somebody_away_then_the_participants_step_in() -> None:
    listed = (FixedShift(start=local("2026-06-01 09:00"), end=local("2026-06-02 09:00"), group=(ALICE,)),)
    spec = schedule(layer("2026-06-01 09:00", CAROL, BOB, rotation=Every.FIXED, fixed_shifts=listed))
    assert who(spec, MONDAY, absences=[absence(ALICE, MONDAY, TUESDAY)]) == [(CAROL, "primary", Why.COVER)]


def window(kind: OverrideKind, person: int, **fields: Any) -> Override:
    return override(kind, person, TUESDAY, TUESDAY + HOUR, **fields)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (window(OverrideKind.COVER, DAVE), [(DAVE, "primary"), (BOB, "secondary")]),
        (window(OverrideKind.COVER, DAVE, role="secondary"), [(ALICE, "primary"), (DAVE, "secondary")]),
        (window(OverrideKind.REPLACE, DAVE, replaces=BOB), [(ALICE, "primary"), (DAVE, "secondary")]),
        (window(OverrideKind.REPLACE, DAVE, replaces=CAROL), [(ALICE, "primary"), (BOB, "secondary")]),
        (window(OverrideKind.ADD, DAVE), [(ALICE, "primary"), (DAVE, "primary"), (BOB, "secondary")]),
        (window(OverrideKind.ADD, ALICE), [(ALICE, "primary"), (BOB, "secondary")]),
        (window(OverrideKind.ADD, DAVE, role="shadow"), [(ALICE, "primary"), (BOB, "secondary"), (DAVE, "shadow")]),
        (window(OverrideKind.REMOVE, ALICE), [(BOB, "secondary")]),
        (window(OverrideKind.REMOVE, ALICE, role="secondary"), [(ALICE, "primary"), (BOB, "secondary")]),
    ],
)
def test_when_an_override_acts_then_it_does_what_its_kind_says_in_its_window_only(
    one: Override, expected: list[tuple[int, str]]
) -> None:
    usual = [(ALICE, "primary"), (BOB, "secondary")]
    around = (TUESDAY - HOUR, TUESDAY, TUESDAY + HOUR)
    for at, people in zip(around, (usual, expected, usual), strict=True):
        assert [(person, role) for person, role, _ in who(TWO_ROLES, at, overrides=[one])] == people


def test_when_somebody_takes_on_call_where_nobody_is_then_they_are_on_call() -> None:
    taken = window(OverrideKind.COVER, BOB, id=7)
    (bob,) = on_call_at(schedule(), at=TUESDAY, overrides=[taken])
    assert (bob.user_id, bob.override_id, bob.start, bob.end) == (BOB, 7, TUESDAY, TUESDAY + HOUR)


def test_when_somebody_on_call_takes_on_call_then_their_turn_stays_whole() -> None:
    (alice,) = on_call_at(PAIR, at=TUESDAY, overrides=[window(OverrideKind.COVER, ALICE)])
    assert (alice.why, alice.start, alice.end) == (Why.LAYER, MONDAY, NEXT_MONDAY)


def test_when_two_people_swap_then_the_shifts_say_swap_and_for_whom() -> None:
    swap = window(OverrideKind.REPLACE, BOB, replaces=ALICE, why=Why.SWAP)
    (bob,) = on_call_at(PAIR, at=TUESDAY, overrides=[swap])
    assert (bob.why, bob.instead_of, bob.layer, bob.turn) == (Why.SWAP, ALICE, "week", 0)


def test_when_an_overriding_person_is_away_then_they_stay_on_call_and_it_is_shown() -> None:
    taken, away = window(OverrideKind.COVER, BOB), absence(BOB, MONDAY, NEXT_MONDAY)
    found = shifts(PAIR, since=MONDAY, until=NEXT_MONDAY, overrides=[taken], absences=[away])
    assert [shift.user_id for shift in found] == [ALICE, BOB, ALICE]
    assert away_on_call(found, [away]) == ((found[1], away),)


@pytest.mark.parametrize(
    ("spec", "more", "cause"),
    [
        (schedule(), {}, Cause.UNASSIGNED),
        (schedule(layer("2027-01-01 00:00", ALICE)), {}, Cause.UNASSIGNED),
        (schedule(layer("2026-01-01 00:00", ALICE, end=local("2026-02-01 00:00"))), {}, Cause.UNASSIGNED),
        (schedule(layer("2026-06-01 09:00")), {}, Cause.UNASSIGNED),
        (
            schedule(
                layer("2026-06-01 09:00", ALICE, restrictions=(Restriction(weekday=6, start=time(9), end=time(10)),))
            ),
            {},
            Cause.CLOSED,
        ),
        (schedule(layer("2026-06-01 09:00", (), ALICE)), {}, Cause.EMPTY_SLOT),
        (
            PAIR,
            {"absences": [absence(person, MONDAY, NEXT_MONDAY) for person in (ALICE, BOB)]},
            Cause.ABSENT,
        ),
        (PAIR, {"overrides": [override(OverrideKind.REMOVE, ALICE, MONDAY, NEXT_MONDAY)]}, Cause.REMOVED),
    ],
)
def test_when_nobody_is_on_call_then_the_gap_names_its_cause(
    spec: ScheduleSpec, more: dict[str, Any], cause: Cause
) -> None:
    (gap,) = gaps(spec, since=TUESDAY, until=TUESDAY + HOUR, **more)
    assert (gap.start, gap.end, gap.role, gap.cause) == (TUESDAY, TUESDAY + HOUR, "primary", cause)


def test_when_an_empty_slot_lies_above_somebody_then_it_hides_nobody() -> None:
    spec = schedule(layer("2026-06-01 09:00", ALICE, name="below"), layer("2026-06-01 09:00", (), BOB, name="above"))
    found = shifts(spec, since=MONDAY, until=rome("2026-06-15 09:00"))
    assert [(shift.user_id, shift.layer) for shift in found] == [(ALICE, "below"), (BOB, "above")]


def test_when_people_who_do_not_serve_together_share_a_role_then_the_overlap_is_listed() -> None:
    (found,) = overlaps(PAIR, since=MONDAY, until=NEXT_MONDAY, overrides=[window(OverrideKind.ADD, CAROL)])
    assert (found.kind, found.start, found.end) == (OverlapKind.SAME_ROLE, TUESDAY, TUESDAY + HOUR)
    assert found.user_ids == (ALICE, CAROL)


def test_when_one_person_holds_two_roles_then_the_overlap_is_listed() -> None:
    (found,) = overlaps(TWO_ROLES, since=MONDAY, until=NEXT_MONDAY, overrides=[window(OverrideKind.COVER, BOB)])
    assert (found.kind, found.start, found.end) == (OverlapKind.SAME_PERSON, TUESDAY, TUESDAY + HOUR)
    assert (found.roles, found.user_ids) == (("primary", "secondary"), (BOB,))


def test_when_the_people_change_then_that_is_the_next_handoff() -> None:
    assert next_handoff(PAIR, at=MONDAY) == Handoff(NEXT_MONDAY, ((ALICE, "primary"),), ((BOB, "primary"),))


def test_when_the_next_turn_is_the_same_persons_then_it_is_no_handoff() -> None:
    assert next_handoff(schedule(layer("2026-06-01 09:00", ALICE)), at=TUESDAY) is None
    ending = schedule(layer("2026-06-01 09:00", ALICE, end=local("2026-09-01 09:00")))
    assert next_handoff(ending, at=TUESDAY) == Handoff(rome("2026-09-01 09:00"), ((ALICE, "primary"),), ())


def test_when_coverage_is_asked_then_each_role_has_its_share() -> None:
    spec = schedule(*TWO_ROLES.layers, layer("2026-06-01 09:00", (), ALICE, name="third", role="third"))
    found = coverage(spec, since=MONDAY, until=MONDAY + timedelta(weeks=2))
    assert [(one.role, one.ratio) for one in found] == [("primary", 1.0), ("secondary", 1.0), ("third", 0.5)]


def test_when_a_calendar_asks_for_rows_then_each_layer_stands_by_itself() -> None:
    spec = schedule(layer("2026-06-01 09:00", ALICE, name="below"), layer("2026-06-01 09:00", BOB, name="above"))
    rows = layer_shifts(spec, since=MONDAY, until=TUESDAY)
    assert {name: [shift.user_id for shift in row] for name, row in rows.items()} == {"below": [ALICE], "above": [BOB]}


def test_when_everyone_of_a_team_is_on_call_then_only_those_away_are_missing() -> None:
    spec = ScheduleSpec(time_zone="UTC", kind=ScheduleKind.EVERYONE, members=(ALICE, BOB))
    assert [person for person, _, _ in who(spec, TUESDAY)] == [ALICE, BOB]
    assert [person for person, _, _ in who(spec, TUESDAY, absences=[absence(ALICE, MONDAY, NEXT_MONDAY)])] == [BOB]
    assert overlaps(spec, since=MONDAY, until=TUESDAY) == ()
    (gap,) = gaps(spec, since=MONDAY, until=TUESDAY, absences=[absence(p, MONDAY, NEXT_MONDAY) for p in (ALICE, BOB)])
    assert gap.cause is Cause.ABSENT


def test_when_an_edit_takes_effect_then_the_past_is_as_it_was_and_an_unchanged_turn_goes_on() -> None:
    larger = schedule(layer("2026-06-01 09:00", ALICE, BOB, CAROL))
    versions = [Version(utc("2026-05-01 00:00"), PAIR), Version(TUESDAY, larger)]
    found = shifts(versions, since=MONDAY, until=rome("2026-06-22 09:00"))
    assert told(found) == [
        "alice 06-01 09:00 – 06-08 09:00",
        "bob 06-08 09:00 – 06-15 09:00",
        "carol 06-15 09:00 – 06-22 09:00",
    ]
    assert on_call_at(versions, at=utc("2026-04-01 00:00")) == ()
    assert gaps(versions, since=utc("2026-04-01 00:00"), until=utc("2026-05-01 00:00")) == ()


def test_when_two_versions_begin_at_once_then_the_later_given_one_is_in_force() -> None:
    other = schedule(layer("2026-06-01 09:00", CAROL))
    versions = [(MONDAY, PAIR), (MONDAY, other)]
    assert [reign.spec for reign in resolve(versions, since=MONDAY, until=TUESDAY)] == [other]


def test_when_a_schedule_follows_another_then_it_says_what_that_one_says_while_it_follows() -> None:
    follower = ScheduleSpec(time_zone="UTC", kind=ScheduleKind.FOLLOW, follows="payments")
    own = schedule(layer("2026-06-01 09:00", DAVE))
    payments = {"payments": [Version(utc("2026-05-01 00:00"), PAIR), Version(NEXT_MONDAY, own)]}
    versions = [Version(utc("2026-04-01 00:00"), own), Version(utc("2026-04-15 00:00"), follower)]
    found = expand_follows(versions, payments.__getitem__)
    assert [version.spec for version in found] == [own, ScheduleSpec(time_zone="UTC"), PAIR, own]
    assert [person for person, _, _ in who(found, TUESDAY)] == [ALICE]
    with pytest.raises(RotaError, match="ask the schedule it follows"):
        shifts(follower, since=MONDAY, until=TUESDAY)


def test_when_schedules_follow_each_other_in_a_circle_then_the_circle_is_named() -> None:
    names = {"a": "b", "b": "a"}

    def lookup(name: str) -> list[Version]:
        return [Version(MONDAY, ScheduleSpec(time_zone="UTC", kind=ScheduleKind.FOLLOW, follows=names[name]))]

    with pytest.raises(RotaError, match="b → a → b"):
        expand_follows(lookup("a"), lookup)


def test_when_a_follower_has_overrides_then_they_act_after_those_it_follows() -> None:
    theirs = [window(OverrideKind.COVER, CAROL, order=900)]
    own = [window(OverrideKind.REPLACE, DAVE, replaces=CAROL, order=1)]
    assert [person for person, _, _ in who(PAIR, TUESDAY, overrides=stack_overrides(theirs, own))] == [DAVE]


@pytest.mark.parametrize(
    ("since", "until", "field"),
    [
        (MONDAY.replace(tzinfo=None), TUESDAY, "since"),
        (MONDAY, TUESDAY.replace(tzinfo=None), "until"),
        (TUESDAY, MONDAY, "until"),
        (MONDAY, MONDAY, "until"),
        (MONDAY, utc("9999-01-01 00:00"), "until"),
    ],
)
def test_when_a_range_makes_no_sense_then_it_is_refused_with_its_field(
    since: datetime, until: datetime, field: str
) -> None:
    with pytest.raises(RotaError) as caught:
        shifts(PAIR, since=since, until=until)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"start": utc("2026-06-01 09:00")}, "start"),
        ({"start": local("2026-06-01 09:00").replace(fold=1)}, "start"),
        ({"end": local("2026-06-01 09:00")}, "end"),
        ({"role": ""}, "role"),
        ({"every": 0}, "every"),
        ({"handoff_time": time(9), "rotation": Every.HOURLY}, "handoff_time"),
        ({"handoff_time": time(9, 0, 0, 5)}, "handoff_time"),
        ({"handoff_weekday": 7}, "handoff_weekday"),
        ({"handoff_weekday": 1, "rotation": Every.DAILY}, "handoff_weekday"),
        ({"handoff_day": 1}, "handoff_day"),
        ({"handoff_day": 32, "rotation": Every.MONTHLY}, "handoff_day"),
        ({"participants": ((ALICE, ALICE),)}, "participants"),
        (
            {
                "rotation": Every.FIXED,
                "fixed_shifts": tuple(
                    FixedShift(start=local(f"2026-06-0{day} 09:00"), end=local("2026-06-05 09:00"), group=(ALICE,))
                    for day in (1, 2)
                ),
            },
            "fixed_shifts",
        ),
    ],
)
def test_when_a_layer_makes_no_sense_then_it_cannot_be_built(fields: dict[str, Any], field: str) -> None:
    usual: dict[str, Any] = {"name": "week", "time_zone": "UTC", "start": local("2026-06-01 09:00")}
    with pytest.raises(RotaError) as caught:
        LayerSpec(**(usual | fields))
    assert caught.value.field == field


def test_when_candidates_have_reasons_then_the_first_without_one_is_chosen_and_skips_are_recorded() -> None:
    choice = choose([ALICE, BOB, ALICE, CAROL, DAVE], skip_reasons={ALICE: "away", BOB: "over_capacity", DAVE: "away"})
    assert choice.chosen == (CAROL,)
    assert choice.skipped == (Skip(ALICE, "away"), Skip(BOB, "over_capacity"))
    assert choose([ALICE], skip_reasons={ALICE: "away"}).chosen == ()


def test_when_the_holder_is_over_capacity_then_the_next_in_turn_is_asked() -> None:
    spec = schedule(
        layer("2026-06-01 09:00", DAVE, name="below"),
        layer("2026-06-01 09:00", ALICE, BOB, CAROL, name="above"),
        layer("2026-06-01 09:00", 9, name="closed", restrictions=(Restriction(weekday=6, start=time(9), end=time(9)),)),
    )
    found = succession(spec, at=TUESDAY, role="primary", absences=[absence(BOB, MONDAY, NEXT_MONDAY)])
    assert found == (ALICE, CAROL, DAVE)
    assert choose(found, skip_reasons={ALICE: "over_capacity"}).chosen == (CAROL,)


def test_when_a_skill_is_required_then_those_without_it_are_skipped_with_what_they_lack() -> None:
    held = {ALICE: {"linux"}, BOB: {"linux", "postgres"}}
    reasons = skill_reasons([ALICE, BOB, CAROL], required=["postgres", "linux"], held=held)
    assert reasons == {ALICE: "lacks:postgres", CAROL: "lacks:linux,postgres"}


@pytest.mark.parametrize(
    ("limits", "pages", "expected"),
    [
        (Limits(), 99, None),
        (Limits(pages_per_shift=5), 4, None),
        (Limits(pages_per_shift=5), 5, "over_capacity"),
        (Limits(consecutive=timedelta(hours=24)), 0, "too_long"),
        (Limits(consecutive=timedelta(hours=25)), 0, None),
        (Limits(rest=timedelta(days=8)), 0, "too_little_rest"),
        (Limits(rest=timedelta(days=7)), 0, None),
    ],
)
def test_when_a_person_reaches_a_limit_then_the_reason_is_given(
    limits: Limits, pages: int, expected: str | None
) -> None:
    at = rome("2026-06-16 09:00")
    around = shifts(PAIR, since=MONDAY, until=rome("2026-07-01 09:00"))
    assert limit_reason(around, user_id=ALICE, at=at, limits=limits, pages=pages) == expected
    assert limit_reason(around, user_id=BOB, at=at, limits=Limits(consecutive=HOUR), pages=0) is None


def test_when_somebody_has_just_gone_off_then_they_are_to_rest_before_they_step_in() -> None:
    around = shifts(PAIR, since=MONDAY, until=NEXT_MONDAY + 2 * HOUR)
    limits = Limits(rest=11 * HOUR)
    assert limit_reason(around, user_id=ALICE, at=NEXT_MONDAY + HOUR, limits=limits, pages=0) == "too_little_rest"
    assert limit_reason(around, user_id=ALICE, at=NEXT_MONDAY + 11 * HOUR, limits=limits, pages=0) is None


def test_when_a_rotation_is_edited_then_the_diff_says_who_gains_and_loses_what() -> None:
    edited = schedule(layer("2026-06-01 09:00", ALICE, CAROL))
    span = Within(since=MONDAY, until=rome("2026-06-15 09:00"))
    change = compare(shifts(PAIR, **span), shifts(edited, **span))
    assert [(duty.user_id, duty.start, duty.end) for duty in change.gained] == [(CAROL, NEXT_MONDAY, span["until"])]
    assert [(duty.user_id, duty.start, duty.end) for duty in change.lost] == [(BOB, NEXT_MONDAY, span["until"])]
    unchanged = compare(shifts(PAIR, **span), shifts(PAIR, **span))
    assert (unchanged.gained, unchanged.lost) == ((), ())


def test_when_an_override_takes_the_middle_of_a_turn_then_only_the_middle_is_lost() -> None:
    span = Within(since=MONDAY, until=NEXT_MONDAY)
    taken = shifts(PAIR, overrides=[window(OverrideKind.COVER, DAVE)], **span)
    change = compare(shifts(PAIR, **span), taken)
    assert [(duty.user_id, duty.start, duty.end) for duty in change.lost] == [(ALICE, TUESDAY, TUESDAY + HOUR)]
    assert [duty.user_id for duty in compare(taken, shifts(PAIR, **span)).lost] == [DAVE]


def test_when_overrides_overlap_then_the_pair_and_the_shared_window_are_shown() -> None:
    first = window(OverrideKind.COVER, BOB, order=1)
    later = override(OverrideKind.COVER, CAROL, TUESDAY + HOUR / 2, NEXT_MONDAY, order=2)
    elsewhere = window(OverrideKind.COVER, DAVE, role="secondary", order=3)
    primary = override(OverrideKind.ADD, DAVE, MONDAY, NEXT_MONDAY, role="primary", order=4)
    (found, *_) = override_overlaps([later, first])
    assert (found.earlier, found.later, found.start, found.end) == (first, later, TUESDAY + HOUR / 2, TUESDAY + HOUR)
    assert override_overlaps([elsewhere, primary]) == ()


def test_when_two_teams_share_a_person_then_the_clash_is_found() -> None:
    span = Within(since=MONDAY, until=rome("2026-06-22 09:00"))
    other = schedule(layer("2026-06-08 09:00", ALICE, DAVE, rotation=Every.DAILY))
    (first, *rest) = clashes({"payments": shifts(PAIR, **span), "billing": shifts(other, **span)})
    assert (first.user_id, first.schedules) == (ALICE, ("billing", "payments"))
    assert (first.start, first.end) == (rome("2026-06-16 09:00"), rome("2026-06-17 09:00"))
    assert len(rest) == 2


def test_when_the_load_is_counted_then_nights_and_weekends_are_those_of_each_persons_own_clock() -> None:
    found = shifts(PAIR, since=MONDAY, until=NEXT_MONDAY)
    (load,) = workloads(found, zone_of={ALICE: "Europe/Rome"}.__getitem__)
    assert (load.total, load.nights, load.weekends) == (timedelta(days=7), 7 * 8 * HOUR, timedelta(days=2))
    (abroad,) = workloads(shifts(PAIR, since=MONDAY, until=MONDAY + HOUR), zone_of=lambda _: "Asia/Tokyo")
    assert abroad.nights == timedelta(0)
    (late,) = workloads(shifts(PAIR, since=MONDAY + 6 * HOUR, until=MONDAY + 7 * HOUR), zone_of=lambda _: "Asia/Tokyo")
    assert late.nights == HOUR


def test_when_a_person_holds_two_roles_at_once_then_the_time_counts_once() -> None:
    found = shifts(TWO_ROLES, since=MONDAY, until=NEXT_MONDAY, overrides=[window(OverrideKind.COVER, BOB)])
    loads = {load.user_id: load for load in workloads(found, zone_of=lambda _: "UTC")}
    assert loads[BOB].total == timedelta(days=7)
    assert loads[ALICE].total == timedelta(days=7) - HOUR
    assert loads[ALICE].longest == NEXT_MONDAY - TUESDAY - HOUR


@pytest.mark.parametrize(
    ("burdens", "expected"),
    [([], 1.0), ([5], 1.0), ([0, 0], 1.0), ([3, 3, 3], 1.0), ([0, 0, 9], 0.0), ([1, 3], 0.5)],
)
def test_when_a_burden_is_shared_then_fairness_runs_from_one_person_to_all_alike(
    burdens: list[int], expected: float
) -> None:
    given = {person: burden * HOUR for person, burden in enumerate(burdens)}
    assert fairness(given) == pytest.approx(expected)

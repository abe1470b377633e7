import pytest
from django.db import DatabaseError, IntegrityError, transaction

from audit.models import LedgerEntry
from notifications.models import ContactMethod
from notifications.services import contact_methods_set
from notifications.values import ContactMethodValue
from oncall.models import User
from tests.notifications.conftest import NIGHT

pytestmark = pytest.mark.django_db

WORK = ContactMethodValue(kind="email", address="carol@example.org", verified_at=NIGHT)
HOME = ContactMethodValue(kind="email", address="carol@home.example")


def addresses(user: User) -> list[str]:
    return list(ContactMethod.objects.filter(user=user).values_list("address", flat=True))


def test_when_methods_are_set_then_they_are_in_that_order_and_on_record(carol: User) -> None:
    contact_methods_set(user_id=carol.pk, values=[WORK, HOME], at=NIGHT)
    assert addresses(carol) == ["carol@example.org", "carol@home.example"]
    entry = LedgerEntry.objects.get(action="contact_methods.set")
    assert entry.before == {"methods": []}
    assert ContactMethod.history.count() == 2


def test_when_they_are_as_asked_already_then_nothing_is_written(carol: User) -> None:
    contact_methods_set(user_id=carol.pk, values=[WORK, HOME], at=NIGHT)
    contact_methods_set(user_id=carol.pk, values=[WORK, HOME], at=NIGHT)
    assert LedgerEntry.objects.count() == 1
    assert ContactMethod.history.count() == 2


def test_when_the_order_changes_then_rows_and_their_verification_stay(carol: User) -> None:
    before = {
        method.address: method.pk for method in contact_methods_set(user_id=carol.pk, values=[WORK, HOME], at=NIGHT)
    }
    contact_methods_set(
        user_id=carol.pk, values=[HOME, ContactMethodValue(kind="email", address=WORK.address)], at=NIGHT
    )
    assert addresses(carol) == ["carol@home.example", "carol@example.org"]
    assert {method.address: method.pk for method in ContactMethod.objects.all()} == before
    assert ContactMethod.objects.get(address=WORK.address).verified_at == NIGHT


def test_when_a_method_is_left_out_then_it_is_gone_and_its_history_stays(carol: User) -> None:
    contact_methods_set(user_id=carol.pk, values=[WORK, HOME], at=NIGHT)
    contact_methods_set(user_id=carol.pk, values=[HOME], at=NIGHT)
    assert addresses(carol) == ["carol@home.example"]
    assert ContactMethod.history.filter(address=WORK.address, history_type="-").exists()


def test_when_somebody_rewrites_the_history_of_a_method_then_the_database_refuses(carol: User) -> None:
    contact_methods_set(user_id=carol.pk, values=[WORK], at=NIGHT)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        ContactMethod.history.update(address="eve@example.org")


def test_when_an_address_is_entered_twice_then_the_database_refuses(alice: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        ContactMethod.objects.create(user=alice, kind="email", address="alice@example.org")

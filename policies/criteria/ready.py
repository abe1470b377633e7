"""The criteria that Watchbell comes with: what most houses can begin with and then make their own.

Every question is a yes or no, a number or a choice, with a threshold in its help, so that a newcomer and a veteran answer
alike; yes is always the worse answer. The numbers are starting points, not measurements of any house.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from policies.conditions import Check, Condition, Operator, all_of, any_of
from policies.criteria.values import AnswerKind, CriteriaDef, Criterion, Option, Otherwise, Question, Unclear
from policies.routing.values import AskOtherwise

CUSTOMER_OUTAGE = "customer outage"
INTERNAL_DEGRADATION = "internal degradation"
PARTNER_API = "partner API"
COMPLIANCE = "compliance/security"
NO_IMPACT = "none"
NO_WAY = "custom.no_workaround"
MANY = 1_000
SOME = 100


def _yes(fact: str) -> Check:
    return Check(fact, Operator.IS, True)


def _no(fact: str) -> Check:
    return Check(fact, Operator.IS, False)


def _hit(least: int) -> Check:
    return Check("affected_customers", Operator.GE, least)


def _impact(name: str) -> Check:
    return Check("impact_class", Operator.IS, name)


_CRITICAL: Condition = Check("tier", Operator.IS, 1)

_QUESTIONS = (
    Question(
        "outage",
        "outage",
        _("Is a service down?"),
        help=_("It does not answer, or nobody can do with it what it is for."),
    ),
    Question(
        "payment-failure",
        "payment_failure",
        _("Do payments fail?"),
        help=_("More than 1 in 100 within five minutes, or one customer again and again."),
    ),
    Question(
        "authentication-failure",
        "authentication_failure",
        _("Does signing in fail?"),
        help=_("More than 1 in 20 within five minutes, wrong passwords left out."),
    ),
    Question(
        "data-corruption",
        "data_corruption",
        _("Is data damaged or lost?"),
        help=_("Even a single record that is wrong and cannot be restored counts."),
    ),
    Question(
        "security",
        "security",
        _("Does it concern personal data or security?"),
        help=_("Somebody sees, or could see, what they must not; or somebody breaks in."),
    ),
    Question(
        "impact-class",
        "impact_class",
        _("What kind of impact does it have?"),
        answer=AnswerKind.CHOICE,
        help=_("Choose the first that fits."),
        options=(
            Option(COMPLIANCE, _("a risk to compliance, safety or security")),
            Option(CUSTOMER_OUTAGE, _("a customer outage")),
            Option(PARTNER_API, _("a failure of a partner’s interface")),
            Option(INTERNAL_DEGRADATION, _("a degradation inside the house")),
            Option(NO_IMPACT, _("none of these")),
        ),
    ),
    Question(
        "affected-customers",
        "affected_customers",
        _("How many customers are hindered?"),
        answer=AnswerKind.NUMBER,
        help=_("A careful estimate is enough; 0 when nobody is."),
    ),
    Question(
        "vip",
        "vip",
        _("Is a VIP customer among them?"),
        help=_("One on the list of key accounts."),
    ),
    Question(
        "stuck",
        NO_WAY,
        _("Are people stuck, without a way around?"),
        help=_("They cannot reach their goal in another way today, or do not know how."),
        yes=_("there is no way around"),
        no=_("there is a way around"),
    ),
    Question(
        "growing",
        "custom.growing",
        _("Is it getting worse?"),
        help=_("More is affected now than a quarter of an hour ago."),
        yes=_("it is getting worse"),
        no=_("it is not getting worse"),
    ),
)

_SEVERITY = (
    Criterion(1, all_of(_yes("outage"), _hit(MANY)), _("A service is down for a thousand customers or more.")),
    Criterion(
        1,
        all_of(_yes("outage"), _CRITICAL, _yes(NO_WAY)),
        _("A critical service is down, and there is no way around."),
    ),
    Criterion(
        1,
        all_of(_yes("payment_failure"), any_of(_hit(SOME), _yes(NO_WAY))),
        _("Payments fail for many customers, or without a way around."),
    ),
    Criterion(1, all_of(_yes("data_corruption"), _yes("custom.growing")), _("Data is being damaged, and it goes on.")),
    Criterion(
        1,
        all_of(_yes("security"), _yes("custom.growing")),
        _("Personal data or security is at risk, and it is getting worse."),
    ),
    Criterion(2, _yes("outage"), _("A service is down.")),
    Criterion(2, _yes("payment_failure"), _("Payments fail.")),
    Criterion(2, _yes("authentication_failure"), _("People cannot sign in.")),
    Criterion(2, _yes("data_corruption"), _("Data is damaged or lost.")),
    Criterion(2, any_of(_yes("security"), _impact(COMPLIANCE)), _("Compliance, personal data or security is at risk.")),
    Criterion(2, _impact(CUSTOMER_OUTAGE), _("Customers cannot use what they pay for.")),
    Criterion(2, all_of(_hit(SOME), _yes(NO_WAY)), _("A hundred customers or more have no way around.")),
    Criterion(
        3,
        any_of(_hit(SOME), _yes("vip"), _impact(PARTNER_API)),
        _("Many customers, a VIP customer or a partner’s interface are affected."),
    ),
    Criterion(
        3,
        all_of(_yes("custom.growing"), any_of(_hit(1), _impact(INTERNAL_DEGRADATION))),
        _("People are hindered, and it is getting worse."),
    ),
    Criterion(
        4,
        any_of(_hit(1), _impact(INTERNAL_DEGRADATION)),
        _("A few customers or people inside the house are hindered."),
    ),
)

_IMPACT = (
    Criterion(
        1,
        any_of(_impact(COMPLIANCE), _hit(MANY)),
        _("Compliance or security is at risk, or a thousand customers are hit."),
    ),
    Criterion(2, any_of(_impact(CUSTOMER_OUTAGE), _hit(SOME)), _("Customers cannot use what they pay for.")),
    Criterion(
        3, any_of(_impact(PARTNER_API), _yes("vip"), _hit(10)), _("A partner, a VIP customer or ten customers are hit.")
    ),
    Criterion(4, any_of(_impact(INTERNAL_DEGRADATION), _hit(1)), _("A few people are hindered.")),
)

_URGENCY = (
    Criterion(
        1,
        all_of(_yes("custom.growing"), any_of(_yes(NO_WAY), _yes("security"), _yes("data_corruption"))),
        _("It is getting worse, and nothing holds it."),
    ),
    Criterion(
        2,
        any_of(
            _yes("vip"),
            _yes("custom.growing"),
            _yes(NO_WAY),
            _yes("security"),
            all_of(any_of(_yes("outage"), _yes("payment_failure")), any_of(_yes("revenue_flow"), _yes("high_risk"))),
        ),
        _("A VIP customer, revenue, a high-risk system or security is affected, or it cannot wait."),
    ),
    Criterion(4, _no(NO_WAY), _("There is a way around.")),
)

READY = CriteriaDef(
    _QUESTIONS,
    _SEVERITY,
    _IMPACT,
    _URGENCY,
    Otherwise(5, False, _("It meets no criterion for an escalation.")),
    Unclear(600, AskOtherwise.PROCEED, 2),
)

"""A simulation in the reader's language: each step as a sentence, with who, how and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from notifications.channels import kind_choices
from policies.escalation import Because, Phase
from policies.reasons import skip_words, untold_words, why_words
from policies.sentences import because_text, channels_words, duration_words, joined
from policies.simulation.comparing import Pair
from policies.simulation.walk import Deed, Passed, PlaceTold, Simulation, Step, StepKind, Told

ICONS: Mapping[StepKind, str] = {
    StepKind.PAGE: "bell-ring",
    StepKind.REPEAT: "bell-ring",
    StepKind.INFORM: "bell",
    StepKind.MAJOR: "siren",
    StepKind.SKIP: "skip-forward",
    StepKind.EXHAUST: "bell-off",
    StepKind.CATCH_ALL: "siren",
    StepKind.FINAL: "siren",
    StepKind.DEED: "user-check",
}


@dataclass(frozen=True, slots=True)
class PersonText:
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class StepText:
    """One step in words. `after` is how long after the start; `cause` is "" where nothing need be said."""

    kind: str
    icon: str
    at: datetime
    after: str
    title: str
    cause: str
    people: tuple[PersonText, ...]
    passed: tuple[PersonText, ...]
    places: tuple[PersonText, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """The same as plain text."""
        people = tuple(f"{one.name}: {one.text}" for one in (*self.people, *self.places, *self.passed))
        return tuple(line for line in (self.title, self.cause, *people) if line)


@dataclass(frozen=True, slots=True)
class PairText:
    """A row of a comparison; `verdict` says in words how the sides differ."""

    left: StepText | None
    right: StepText | None
    same: bool
    verdict: str


def steps_text(simulation: Simulation, names: Mapping[int, str]) -> tuple[StepText, ...]:
    """`names` are the people who act, by number."""
    return tuple(step_text(step, simulation.started_at, names) for step in simulation.steps)


def pairs_text(
    pairs: Sequence[Pair], left: Simulation, right: Simulation, names: Mapping[int, str]
) -> tuple[PairText, ...]:
    return tuple(
        PairText(
            step_text(pair.left, left.started_at, names) if pair.left else None,
            step_text(pair.right, right.started_at, names) if pair.right else None,
            pair.same,
            _verdict(pair),
        )
        for pair in pairs
    )


def step_text(step: Step, started_at: datetime, names: Mapping[int, str]) -> StepText:
    seconds = round((step.at - started_at).total_seconds())
    cause = "" if step.because in (None, Because.STARTED) else because_text(step.because or "")
    return StepText(
        kind=step.kind.value,
        icon=ICONS[step.kind],
        at=step.at,
        after=_("after %(time)s") % {"time": duration_words(seconds)} if seconds else _("at once"),
        title=_title(step, names),
        cause=_("Cause: %(cause)s.") % {"cause": cause} if cause else "",
        people=tuple(PersonText(one.name, _person(step, one)) for one in step.people),
        passed=tuple(PersonText(one.name, _passed(one)) for one in step.passed),
        places=tuple(PersonText(one.name, _place(one)) for one in step.places),
    )


def end_text(simulation: Simulation) -> str:
    """How it ends."""
    if simulation.cut:
        return _("More would follow; only the first %(count)d steps are shown.") % {"count": len(simulation.steps)}
    match simulation.phase:
        case Phase.ACKNOWLEDGED:
            return _("Somebody has it, and no further time limit runs.")
        case Phase.STOPPED:
            return _("It is resolved: nobody is told any more.")
        case Phase.EXHAUSTED:
            return _("Every level was called and nobody answered.")
        case _:
            return _("Nothing more happens by itself.")


def _title(step: Step, names: Mapping[int, str]) -> str:
    places = {"level": (step.level or 0) + 1, "name": step.name, "count": step.repeat, "cycle": step.cycle + 1}
    match step.kind:
        case StepKind.PAGE if step.cycle:
            return _("Level %(level)d, %(name)s, is called, round %(cycle)d") % places
        case StepKind.PAGE:
            return _("Level %(level)d, %(name)s, is called") % places
        case StepKind.REPEAT:
            return _("Level %(level)d, %(name)s, is told again (%(count)d)") % places
        case StepKind.INFORM:
            return _("Level %(level)d, %(name)s, is informed and not paged") % places
        case StepKind.MAJOR if step.people:
            return _("It is declared a major incident, and whoever oversees it is told")
        case StepKind.MAJOR:
            return _("It is declared a major incident; nobody is there to oversee it")
        case StepKind.SKIP:
            return _("Level %(level)d, %(name)s, is skipped") % places
        case StepKind.EXHAUST:
            return _("Every level was called: the incident is listed as exhausted")
        case StepKind.CATCH_ALL:
            return _("The catch-all is paged")
        case StepKind.FINAL if step.repeat:
            return _("The final decision-maker is told again (%(count)d)") % places
        case StepKind.FINAL:
            return _("The final decision-maker is paged")
        case StepKind.DEED:
            return _deed(step, names.get(step.who or 0, _("Somebody")))


def _deed(step: Step, name: str) -> str:
    match step.deed:
        case Deed.ACKNOWLEDGE:
            return _("%(name)s acknowledges") % {"name": name}
        case Deed.MITIGATE:
            return _("%(name)s marks it mitigated") % {"name": name}
        case Deed.ESCALATE:
            return _("%(name)s calls the next level") % {"name": name}
        case _:
            return _("%(name)s resolves it") % {"name": name}


def _person(step: Step, one: Told) -> str:
    why = why_words(one.why)
    if step.kind in (StepKind.INFORM, StepKind.MAJOR):
        return why
    if not one.reachable:
        return _("%(why)s; cannot be reached") % {"why": why}
    labels = dict(kind_choices())
    channels = joined([str(labels.get(kind, kind)) for kind in one.how])
    places = {"why": why, "channels": channels}
    level = one.why.get("level")
    if level and level["lacks"]:
        named = {**places, "named": channels_words(level["use"])}
        return _("%(why)s; by %(channels)s, for they have none of what the level names: %(named)s") % named
    return _("%(why)s; by %(channels)s") % places


def _place(one: PlaceTold) -> str:
    if one.reason:
        return _("is not told: %(why)s") % {"why": untold_words(one.reason)}
    return _("told as a chat channel") if one.kind == "chat_channel" else _("told as a webhook")


def _passed(one: Passed) -> str:
    return _("passed over: %(why)s") % {"why": skip_words(one.reason)}


def _verdict(pair: Pair) -> str:
    if pair.left is None:
        return _("Only on the right")
    if pair.right is None:
        return _("Only on the left")
    return _("The same") if pair.same else _("Different")

"""What is wrong with the house, in the active language: a sentence for each alarm's code."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from escalation_site.ui import durations


def alarm_words(code: str, data: Mapping[str, Any]) -> str:
    """The sentence of an alarm; a code nobody put into words is shown as it is, never hidden."""
    seconds = {"seconds": data.get("seconds", 0)}
    count = int(data.get("count", 0))
    match code:
        case "engine_missing":
            return _("No engine has ever run here: nobody is paged.")
        case "engine_silent":
            return (
                _("No engine has shown a sign of life for %(seconds)s s: pages come once a minute at best.") % seconds
            )
        case "cluster_missing":
            return _("No cluster has ever run here: nothing watches over the engine.")
        case "cluster_silent":
            return (
                _("No cluster has shown a sign of life for %(seconds)s s: nothing watches over the engine.") % seconds
            )
        case "runs_late":
            return _("An escalation step is %(seconds)s s late.") % seconds
        case "deliveries_late":
            return _("A message has been waiting to be sent for %(seconds)s s.") % seconds
        case "signals_late":
            return _("A signal has been waiting to be read for %(seconds)s s.") % seconds
        case "runs_set_aside":
            return ngettext(
                "An escalation stopped on an error and waits for an administrator.",
                "%(count)d escalations stopped on errors and wait for an administrator.",
                count,
            ) % {"count": count}
        case "signals_set_aside":
            return ngettext(
                "A signal could not be read and waits for an administrator.",
                "%(count)d signals could not be read and wait for an administrator.",
                count,
            ) % {"count": count}
        case "clock_skew":
            return _("The clock of %(host)s is %(seconds)s s off the database’s.") % {
                "host": data.get("host", ""),
                "seconds": data.get("seconds", 0),
            }
        case "clock_set_back":
            return _set_back_words(data)
        case "ledger_broken":
            return ngettext(
                "The ledger is not as it was sealed: %(count)d finding. Keep everything as it is, and look at the audit page.",
                "The ledger is not as it was sealed: %(count)d findings. Keep everything as it is, and look at the audit page.",
                count,
            ) % {"count": count}
        case "ledger_seal_failed":
            return _("The ledger cannot be sealed: %(error)s") % {"error": data.get("error", "")}
        case "ledger_seal_late":
            return _("Nothing has sealed the ledger for %(seconds)s s.") % seconds
        case "ledger_unkept":
            return ngettext(
                "The keeper %(names)s does not get the ledger’s checkpoints.",
                "%(count)d keepers do not get the ledger’s checkpoints: %(names)s.",
                count,
            ) % {"count": count, "names": data.get("names", "")}
        case _:
            return code


def _set_back_words(data: Mapping[str, Any]) -> str:
    """That a clock was ahead, and what became of what it had put off."""
    waiting, back = int(data.get("waiting", 0)), int(data.get("back", 0))
    words = [
        _("The record holds entries that are %(ahead)s ahead of the clock: one was ahead and has been set back.")
        % {"ahead": durations.in_two_units(data.get("seconds", 0))}
    ]
    if waiting:
        words.append(
            ngettext(
                "%(count)d escalation was put off by it and still waits.",
                "%(count)d escalations were put off by it and still wait.",
                waiting,
            )
            % {"count": waiting}
        )
    if back:
        words.append(
            ngettext(
                "%(count)d escalation was put off by it and goes on in its time.",
                "%(count)d escalations were put off by it and go on in their time.",
                back,
            )
            % {"count": back}
        )
    return " ".join(words)

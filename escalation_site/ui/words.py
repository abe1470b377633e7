"""The words that scripts say. They are translated here, because the pages' JavaScript has no build step of its own."""

from django.utils.translation import gettext as _

from escalation_site.ui.durations import unit_words


def script_words() -> dict[str, str]:
    """Every sentence of ``static/js``, by key, in the reader's language. ``{braces}`` are filled by the script."""
    return {
        **unit_words(),
        "live": _("Live"),
        "connecting": _("Connecting"),
        "notLive": _("Not live"),
        "notLiveSince": _("Not live since {time}."),
        "alsoHere": _("Also here: {names}"),
        "held": _("Held: this page is not live."),
        "twoMinutes": _("2 minutes left: {what}"),
        "timeIsUp": _("Time is up: {what}"),
        "undoIn": _("Undo, {n} s"),
        "undoGone": _("It can no longer be undone here."),
        "selected": _("{n} selected"),
        "selectAll": _("Select all {n}"),
        "copied": _("Copied"),
        "failed": _("That did not work: {why}"),
        "offline": _("the server could not be reached"),
        "draftNotKept": _("Not kept yet; it stays in this window, and is tried again."),
        "draftSignedOut": _("You are signed out; what you typed stays in this window."),
        "signIn": _("Sign in and go on"),
        "picture": _("picture"),
        "uploading": _("Uploading"),
        "uploaded": _("Attached"),
        "shortcutsOn": _("Shortcuts are on"),
        "shortcutsOff": _("Shortcuts are off"),
        "moveDown": _("Next row"),
        "moveUp": _("Previous row"),
        "selectRow": _("Select the row"),
        "openRow": _("Open the row"),
        "placeInList": _("{n} of {total}"),
        "pickUp": _("Pick up the card, and drop it"),
        "carry": _("Carry the card to the next column"),
        "letGo": _("Put the card back where it was"),
        "send": _("Send what you wrote"),
        "showKeys": _("Show the keys"),
        "find": _("Find or run"),
        "searchFor": _("Search incidents for “{text}”"),
    }

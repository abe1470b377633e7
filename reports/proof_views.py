"""The ledger's proof: what anybody may keep of it, the proof of one entry, and bundles to take away."""

import json
import tempfile
from typing import Any, cast

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from audit.bundles import MOST, NothingSealed, bundle_write
from audit.keeping import cosigned
from audit.models import LedgerKey
from audit.proofs.merkle import consistency_proof
from audit.proving import entry_proof, newest_seal
from audit.selectors import entries_matching
from audit.services import EntryValue, entry_append
from audit.tiles import Tiles
from audit.values import Actor
from escalation_site.kernel.instants import now
from oncall.access import role_required
from oncall.models import User
from reports.audit_views import READERS, asked

TEXT = "text/plain; charset=utf-8"


@never_cache
@require_safe
def checkpoint(request: HttpRequest) -> HttpResponse:
    """The newest signed checkpoint, for whoever wants to keep it: it tells a size and a root, and nothing of the contents."""
    seal = newest_seal()
    if seal is None:
        raise Http404
    return HttpResponse(seal.note, content_type=TEXT)


@never_cache
@require_safe
def checkpoint_cosigned(request: HttpRequest) -> HttpResponse:
    """The newest checkpoint that a witness has signed too, with the lines of all who did. 404 where there is none."""
    note = cosigned()
    if note is None:
        raise Http404
    return HttpResponse(note.encoded(), content_type=TEXT)


@never_cache
@require_safe
def keys_json(request: HttpRequest) -> HttpResponse:
    """The public keys, the one in use first, each with the note in which the key before it names it."""
    found = LedgerKey.objects.order_by("-since", "-pk")
    return JsonResponse(
        [
            {"key": key.public, "since": key.since, "retired_at": key.retired_at, "introduction": key.introduction}
            for key in found
        ],
        safe=False,
    )


@never_cache
@require_safe
def consistency(request: HttpRequest) -> HttpResponse:
    """What shows that the tree of ``before`` leaves is the beginning of that of ``size``: hashes only, for anybody. 404 for sizes
    that the tree never had."""
    newest = newest_seal()
    before, size = (_size(request.GET.get(name, "")) for name in ("before", "size"))
    if newest is None or before is None or size is None or not 0 < before <= size <= newest.size:
        raise Http404
    steps = consistency_proof(Tiles(), before, size)
    return JsonResponse({"before": before, "size": size, "proof": [step.hex() for step in steps]})


def _size(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


@never_cache
@require_safe
def keys(request: HttpRequest) -> HttpResponse:
    """The public keys that ever signed, a line each; the one in use comes first."""
    found = LedgerKey.objects.order_by("-since").values_list("public", flat=True)
    return HttpResponse("".join(f"{key}\n" for key in found), content_type=TEXT)


@never_cache
@require_safe
@role_required(*READERS)
def proof(request: HttpRequest, pk: int) -> HttpResponse:
    """The proof of one entry as JSON: contents, salts, steps and the signed checkpoint. 404 while it waits for its seal."""
    found = entry_proof(pk)
    if found is None:
        raise Http404
    answer = JsonResponse({**found.plain(), "checkpoint": found.note}, json_dumps_params={"ensure_ascii": False})
    answer["Content-Disposition"] = f'attachment; filename="entry-{pk}-proof.json"'
    return answer


@require_POST
@role_required(*READERS)
def bundle(request: HttpRequest) -> HttpResponseBase:
    """The entries that match the filters of the address, with their proofs and the verifier, as one ZIP. Noted in the ledger."""
    at = now()
    _form, wanted, _zone = asked(request, at)
    numbers = list(entries_matching(wanted).values_list("pk", flat=True)[:MOST])
    # Closed by the answer that sends it.
    file = tempfile.TemporaryFile()  # noqa: SIM115  see above
    try:
        count = bundle_write(file, numbers, at=at)
    except NothingSealed:
        messages.warning(request, _("None of these entries is sealed yet. The next seal comes within a minute."))
        return redirect("audit:browser")
    _note(request, count, at)
    file.seek(0)
    name = f"ledger-{at:%Y%m%dT%H%M%SZ}.zip"
    return FileResponse(file, as_attachment=True, filename=name, content_type="application/zip")


def _note(request: HttpRequest, count: int, at: Any) -> None:
    user = cast(User, request.user)
    entry_append(
        EntryValue(
            at=at,
            action="ledger.export",
            object_type="ledger",
            object_id="bundle",
            actor=Actor("user", str(user.pk), user.name),
            source="web",
            data={"entries": count, "filters": json.dumps(dict(request.GET.lists()), ensure_ascii=False)},
        )
    )

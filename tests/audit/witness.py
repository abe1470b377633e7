"""A witness as c2sp.org/tlog-witness describes it, in memory: what keepers are tried against."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from audit.proofs.merkle import BadProof, consistency_check
from audit.proofs.notes import COSIGNATURE, Checkpoint, Signer, Verifier, checkpoint_read, note_read, signer_make
from audit.proofs.witness import addition_read
from escalation_site.kernel.outbound import Answer


@dataclass
class Witness:
    """Knows one log by its keys, and signs what continues the last checkpoint that it signed."""

    logs: list[Verifier]
    signer: Signer = field(default_factory=lambda: signer_make("witness.example/w1", kind=COSIGNATURE))
    last: Checkpoint | None = None
    asked: list[tuple[str, int]] = field(default_factory=list)
    time: int = 1_795_000_000

    def __call__(self, url: str, *, method: str, content: bytes, headers: Mapping[str, str], **_options: Any) -> Answer:
        """In the place of ``outbound.fetch``."""
        assert (method, url) == ("POST", "https://witness.example/w1/add-checkpoint")
        addition = addition_read(content)
        note = note_read(addition.note)
        stated = checkpoint_read(note.text)
        self.asked.append((stated.origin, addition.old))
        if all(log.verified(note) is None for log in self.logs):
            return Answer(403, {}, b"", url)
        size = self.last.size if self.last else 0
        if addition.old != size:
            return Answer(409, {"content-type": "text/x.tlog.size"}, f"{size}\n".encode(), url)
        if self.last:
            try:
                consistency_check(size, self.last.root, stated.size, stated.root, addition.steps)
            except BadProof:
                return Answer(422, {}, b"", url)
        self.last = stated
        line = self.signer.signature(note.text, at=self.time)
        other = signer_make("witness.example/w2", kind=COSIGNATURE).signature(note.text, at=self.time)
        lines = note.__class__("\n", (other, line)).encoded().removeprefix("\n\n")
        return Answer(200, {}, lines.encode(), url)

"""Idempotency keys: the first answer is stored for a day and given again."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from stripe_emulator.api.call import Answer
from stripe_emulator.emulator import Emulator
from stripe_emulator.errors import Json, StripeError, malformed
from stripe_emulator.transaction import Transaction

LIFETIME = 24 * 3600
LONGEST_KEY = 255


@dataclass(frozen=True)
class Attempt:
    """A POST with an idempotency key."""

    key: str
    account: str
    path: str
    form: Json
    request_id: str

    @property
    def id(self) -> str:
        """Under what its answer is stored: the same key in two accounts is two keys."""
        return f"idempotency_{self.account}_{self.key}"

    def stored_answer(self, emulator: Emulator) -> Answer | None:
        """The answer to an earlier call with this key. Refuses a key that was used for a different call."""
        record = emulator.store.find("idempotency_keys", self.id)
        if record is None or emulator.now() - record.hidden["created"] >= LIFETIME:
            return None
        first = record.hidden
        if first["path"] != self.path:
            raise _misused(
                "Keys for idempotent requests can only be used for the same endpoint they were first used for "
                f"('{first['path']}' vs '{self.path}').",
                self.key,
            )
        if first["form"] != self.form:
            raise _misused(
                "Keys for idempotent requests can only be used with the same parameters they were first used with.",
                self.key,
            )
        # Trying once more would only give the same answer again.
        headers = {
            "Idempotent-Replayed": "true",
            "Original-Request": first["request_id"],
            "Stripe-Should-Retry": "false",
        }
        return Answer(first["status"], first["answer"], headers)

    def keep(self, tx: Transaction, answer: Answer) -> None:
        """Store the answer, in the same transaction as the effect."""
        kept = {
            "path": self.path,
            "form": self.form,
            "status": answer.status,
            "answer": answer.body,
            "created": tx.now,
            "request_id": self.request_id,
        }
        record = tx.store.find("idempotency_keys", self.id)
        if record is None:
            tx.insert("idempotency_keys", self.account, {"id": self.id}, kept)
        else:
            tx.edit(record)
            record.hidden = kept


@contextlib.contextmanager
def in_progress(emulator: Emulator, attempt: Attempt | None) -> Iterator[None]:
    """Hold a key during a call. Refuses a second call with it meanwhile, and a key that is too long."""
    if attempt is None:
        yield
        return
    if len(attempt.key) > LONGEST_KEY:
        # Not recorded.
        raise malformed(f"Idempotency keys have at most {LONGEST_KEY} characters.")
    with emulator.lock:
        if attempt.id in emulator.busy_keys:
            raise StripeError(
                "There is currently another in-progress request using this Idempotent Key (that probably means you "
                "submitted twice, and the other request is still going through): "
                f"{attempt.key}. Please try again later.",
                status=409,
                type="idempotency_error",
                code="idempotency_key_in_use",
                is_validation=True,
            )
        emulator.busy_keys.add(attempt.id)
    try:
        yield
    finally:
        with emulator.lock:
            emulator.busy_keys.discard(attempt.id)


def _misused(reason: str, key: str) -> StripeError:
    message = f"{reason} Try using a key other than '{key}' if you meant to execute a different request."
    return StripeError(message, type="idempotency_error", is_validation=True)

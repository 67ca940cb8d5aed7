"""From a request under /v1 to the resource that answers it."""

import re
from dataclasses import dataclass

from werkzeug.wrappers import Request

from stripe_emulator.api.call import Answer, Call
from stripe_emulator.api.credentials import Caller, caller, check_version
from stripe_emulator.api.expandable import check_expand
from stripe_emulator.api.expanding import expanded
from stripe_emulator.api.http import server_error
from stripe_emulator.api.idempotency import Attempt, in_progress
from stripe_emulator.api.metadata import check_metadata
from stripe_emulator.api.routes import Operation, find_operation
from stripe_emulator.emulator import Emulator
from stripe_emulator.errors import Json, StripeError
from stripe_emulator.form import decode
from stripe_emulator.misbehavior import Faults
from stripe_emulator.transaction import Origin, Transaction

_ACCOUNT = re.compile(r"/v1/accounts/(\w+)")
# Recorded: Stripe advises against a retry only if the call got so far that its outcome counts.
_OUTCOME_COUNTS = {"Stripe-Should-Retry": "false"}


@dataclass(frozen=True)
class Task:
    """An authorized call: who makes it, the operation and its objects, and the idempotency key."""

    who: Caller
    operation: Operation
    ids: tuple[str, ...]
    params: Json
    origin: Origin
    attempt: Attempt | None

    def run(self, tx: Transaction) -> Json:
        """Do it, and answer the outcome, with what was asked to be expanded."""
        who = self.who
        call = Call(tx, who.key, who.account, who.application, who.by_platform, self.params, self.ids)
        return expanded(tx, who.account, self.operation.handler(call), self.params.get("expand", []))

    def advice(self, refusal: StripeError | None = None) -> dict[str, str]:
        """What the answer says of trying again."""
        is_counted = refusal is None or refusal.code != "resource_missing"
        return dict(_OUTCOME_COUNTS) if self.operation.method == "POST" and is_counted else {}

    def keep(self, tx: Transaction, answer: Answer) -> None:
        """Store the answer under the call's idempotency key, if it has one."""
        if self.attempt:
            self.attempt.keep(tx, answer)


def dispatch(emulator: Emulator, request: Request, request_id: str, faults: Faults) -> Answer:
    """Answer an API call, or raise the refusal of its credentials."""
    with emulator.lock:
        who = caller(emulator, request.headers)
    try:
        answer = _answered(emulator, request, request_id, faults, who)
    except StripeError as error:
        answer = _refused(error, who, request_id)
    if request.method == "POST":
        answer.headers.setdefault("Original-Request", request_id)
    account = _account_of(request, answer)
    if account:
        answer.headers["Stripe-Account"] = account
    return answer


def _account_of(request: Request, answer: Answer) -> str | None:
    """The account that a platform named, in the path or in the header."""
    in_path = _ACCOUNT.fullmatch(request.path) if answer.status == 200 else None
    return in_path[1] if in_path else request.headers.get("Stripe-Account")


def _refused(error: StripeError, who: Caller, request_id: str) -> Answer:
    """A refusal, with the page in the account's dashboard that shows the request."""
    place = f"https://dashboard.stripe.com/{who.account}/test/workbench/logs?object={request_id}"
    error.details = {**error.details, "request_log_url": place}
    return Answer.of(error.status, error.body())


def _answered(emulator: Emulator, request: Request, request_id: str, faults: Faults, who: Caller) -> Answer:
    check_version(request.headers)
    operation, ids = find_operation(request.method, request.path)
    is_post = request.method == "POST"
    form = decode(request.get_data(as_text=True) if is_post else request.query_string.decode())
    key = request.headers.get("Idempotency-Key") if is_post else None
    attempt = Attempt(key, who.account, request.path, form, request_id) if key else None
    with in_progress(emulator, attempt):
        faults.wait()
        with emulator.lock:
            stored = attempt.stored_answer(emulator) if attempt else None
            if stored is not None:
                return stored
            params = emulator.parameters.check(operation.params, form)
            check_metadata(params)
            check_expand(operation.params, params.get("expand", []))
            task = Task(who, operation, ids, params, Origin(request_id, key), attempt)
            return _execute(emulator, task, faults)


def _execute(emulator: Emulator, task: Task, faults: Faults) -> Answer:
    stores_failure = faults.rule is not None and faults.rule.stored
    if faults.effect == "500_before":
        if stores_failure:
            with emulator.transaction() as tx:
                task.keep(tx, server_error())
        return server_error()
    try:
        with emulator.transaction(task.origin) as tx:
            answer = Answer.of(200, task.run(tx), task.advice())
            if faults.effect == "500_after":
                answer = server_error()
            if answer.status == 200 or stores_failure:
                task.keep(tx, answer)
    except StripeError as error:
        answer = _refused(error, task.who, task.origin.request_id or "")
        if not error.is_validation:
            answer.headers |= task.advice(error)
            with emulator.transaction() as tx:
                task.keep(tx, answer)
    return answer

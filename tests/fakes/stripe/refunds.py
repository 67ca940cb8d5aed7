from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

from stripe_bridge.domain.stripe_objects import StripeDispute, StripeRefund
from stripe_bridge.ports.stripe.errors import GatewayRefused
from stripe_bridge.ports.stripe.refunds import RefundDraft
from tests.fakes.stripe.fake_charges import FakeCharge
from tests.fakes.stripe.fake_stripe import Call, FakeAccount, FakeStripe, missing_unless

Result = TypeVar("Result")
Object = TypeVar("Object")


class FakeRefundGateway:
    def __init__(self, stripe: FakeStripe) -> None:
        self.stripe = stripe

    def create_refund(self, account_id: str, draft: RefundDraft, key: str) -> StripeRefund:
        def effect(account: FakeAccount) -> StripeRefund:
            return account.charges.refund(
                _charge(account, draft),
                draft.amount,
                status=self.stripe.new_refund_status,
                reason=draft.reason,
                metadata=draft.metadata,
            )

        return self._serve("create_refund", account_id, effect, key, draft=draft)

    def refunds_of(
        self, account_id: str, *, payment_intent_id: str | None, charge_id: str | None
    ) -> Sequence[StripeRefund]:
        def effect(account: FakeAccount) -> Sequence[StripeRefund]:
            return _of_payment(account.charges.refunds.values(), given)

        given = _named(payment_intent_id, charge_id)
        return self._serve("refunds_of", account_id, effect, **given)

    def refunds_since(self, account_id: str, since: datetime) -> Iterator[StripeRefund]:
        def effect(account: FakeAccount) -> list[StripeRefund]:
            return [each for each in account.charges.refunds.values() if each.created_at >= since][::-1]

        return iter(self._serve("refunds_since", account_id, effect, since=since))

    def refund(self, account_id: str, refund_id: str) -> StripeRefund:
        def effect(account: FakeAccount) -> StripeRefund:
            return missing_unless(account.charges.refunds.get(refund_id), refund_id, "refund")

        return self._serve("refund", account_id, effect, refund_id=refund_id)

    def disputes_of(
        self, account_id: str, *, payment_intent_id: str | None, charge_id: str | None
    ) -> Sequence[StripeDispute]:
        def effect(account: FakeAccount) -> Sequence[StripeDispute]:
            return _of_payment(account.charges.disputes.values(), given)

        given = _named(payment_intent_id, charge_id)
        return self._serve("disputes_of", account_id, effect, **given)

    def disputes_since(self, account_id: str, since: datetime) -> Iterator[StripeDispute]:
        def effect(account: FakeAccount) -> list[StripeDispute]:
            return [each for each in account.charges.disputes.values() if each.created_at >= since][::-1]

        return iter(self._serve("disputes_since", account_id, effect, since=since))

    def dispute(self, account_id: str, dispute_id: str) -> StripeDispute:
        def effect(account: FakeAccount) -> StripeDispute:
            return missing_unless(account.charges.disputes.get(dispute_id), dispute_id, "dispute")

        return self._serve("dispute", account_id, effect, dispute_id=dispute_id)

    def _serve(
        self,
        method: str,
        account_id: str,
        effect: Callable[[FakeAccount], Result],
        key: str | None = None,
        **arguments: Any,
    ) -> Result:
        call = Call(method=method, account_id=account_id, key=key, arguments=arguments)
        return self.stripe.serve(call, lambda: effect(self.stripe.account(account_id)))


def _named(payment_intent_id: str | None, charge_id: str | None) -> dict[str, str | None]:
    if payment_intent_id is None and charge_id is None:
        raise ValueError("neither a payment intent nor a charge")
    return {"payment_intent_id": payment_intent_id, "charge_id": charge_id}


def _of_payment(all_: Collection[Object], named: dict[str, str | None]) -> list[Object]:
    """Those of the payment, newest first."""
    name = "charge_id" if named["payment_intent_id"] is None else "payment_intent_id"
    return [each for each in reversed(list(all_)) if getattr(each, name) == named[name]]


def _charge(account: FakeAccount, draft: RefundDraft) -> FakeCharge:
    intent_id, charge_id = draft.payment_intent_id, draft.charge_id
    if intent_id is None:
        if charge_id is None:
            raise ValueError("neither a payment intent nor a charge")
        return missing_unless(account.charges.charges.get(charge_id), charge_id, "id")
    charge = account.charges.find_by_payment_intent(intent_id)
    if charge is None:
        intents = {each.payment_intent_id: each for each in account.payments.values()}
        missing_unless(intents.get(intent_id), intent_id, "intent")
        raise GatewayRefused(f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.")
    return charge

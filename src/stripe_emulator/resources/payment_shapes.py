"""Payment intents, charges, payment methods and invoice payments as they are created."""

import secrets

from stripe_emulator.errors import Json, doc_url
from stripe_emulator.identifiers import new_id
from stripe_emulator.store import Record
from stripe_emulator.transaction import Transaction

NULL_IN_AN_INTENT = """
    automatic_payment_methods canceled_at cancellation_reason customer_account last_payment_error
    latest_charge next_action on_behalf_of payment_method payment_method_configuration_details
    processing receipt_email review setup_future_usage shipping source statement_descriptor
    statement_descriptor_suffix transfer_data transfer_group
""".split()

# Fields that are null in a charge or an intent that is not decided yet.
NULL_IN_A_CHARGE = """
    application_fee balance_transaction failure_balance_transaction
    failure_code failure_message on_behalf_of outcome receipt_number receipt_url review shipping source
    source_transfer statement_descriptor statement_descriptor_suffix transfer_data transfer_group
""".split()

PAYMENT_METHOD_TYPES = ["card", "us_bank_account"]


def payment_intent(tx: Transaction, invoice: Record, amount: int) -> Json:
    """The intent to collect an amount of an invoice; the invoice's metadata is not copied."""
    intent_id = new_id("pi")
    return {
        **dict.fromkeys(NULL_IN_AN_INTENT),
        "id": intent_id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": invoice.body["application"],
        "application_fee_amount": invoice.hidden["application_fee_amount"],
        "capture_method": "automatic",
        "client_secret": f"{intent_id}_secret_{secrets.token_hex(12)}",
        "confirmation_method": "automatic",
        "created": tx.now,
        "currency": invoice.body["currency"],
        "customer": invoice.body["customer"],
        "description": f"Invoice {invoice.body['number']}",
        "livemode": False,
        "metadata": {},
        "payment_method_options": {},
        "payment_method_types": PAYMENT_METHOD_TYPES,
        "status": "requires_payment_method",
    }


def invoice_payment(tx: Transaction, invoice: Record, intent: Record, amount: int, is_default: bool) -> Json:
    """The link between a payment intent and an invoice."""
    return {
        "id": new_id("inpay"),
        "object": "invoice_payment",
        "amount_paid": None,
        "amount_requested": amount,
        "created": tx.now,
        "currency": invoice.body["currency"],
        "invoice": invoice.id,
        "is_default": is_default,
        "livemode": False,
        "payment": {"payment_intent": intent.id, "type": "payment_intent"},
        "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }


def charge(tx: Transaction, invoice: Record, intent: Record, method: str) -> Json:
    """An attempt to collect that is not decided yet; it does not name its invoice."""
    customer = invoice.body
    billing = {
        "address": customer["customer_address"]
        or dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")),
        "email": customer["customer_email"],
        "name": customer["customer_name"],
        "phone": customer["customer_phone"],
        "tax_id": None,
    }
    return {
        **dict.fromkeys(NULL_IN_A_CHARGE),
        "id": new_id("ch" if method == "card" else "py"),
        "object": "charge",
        "amount": intent.body["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": invoice.body["application"],
        "application_fee_amount": invoice.hidden["application_fee_amount"],
        "billing_details": billing,
        "calculated_statement_descriptor": (customer["account_name"] or "").upper()[:22],
        "captured": True,
        "created": tx.now,
        "currency": intent.body["currency"],
        "customer": customer["customer"],
        "description": intent.body["description"],
        "disputed": False,
        "fraud_details": {},
        "livemode": False,
        "metadata": {},
        "paid": False,
        "payment_intent": intent.id,
        "payment_method": new_id("pm"),
        "payment_method_details": METHOD_DETAILS[method],
        "radar_options": {},
        "receipt_email": customer["customer_email"],
        "refunded": False,
        "status": "pending",
    }


# Fields about one attempt, which a payment method does not have.
_OF_THE_ATTEMPT = """
    amount_authorized authorization_code installments mandate network network_transaction_id payment_reference
    three_d_secure
""".split()


# Fields that a payment method has, and the attempt made with it has not.
_OF_THE_METHOD: dict[str, Json] = {
    "card": {
        "display_brand": "visa",
        "generated_from": None,
        "networks": {"available": ["visa"], "preferred": None},
        "three_d_secure_usage": {"supported": True},
    },
    "us_bank_account": {
        "financial_connections_account": None,
        "networks": {"preferred": "ach", "supported": ["ach"]},
        "status_details": {},
    },
}


def payment_method(charge: Record) -> Json:
    """The payment method that a charge was made with."""
    body = charge.body
    kind = body["payment_method_details"]["type"]
    details = body["payment_method_details"][kind].items()
    return {
        "id": body["payment_method"],
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": body["billing_details"],
        kind: {name: value for name, value in details if name not in _OF_THE_ATTEMPT} | _OF_THE_METHOD[kind],
        "created": body["created"],
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": kind,
    }


# What a bank says of a decline without a reason, for the merchant's next attempt.
_ADVICE = {"advice_code": "try_again_later", "network_decline_code": "01"}


def payment_error(charge: Record, code: str, message: str) -> Json:
    """Why an attempt failed, with the whole payment method, which the intent itself no longer names."""
    # For a bank account neither the code nor the text is recorded.
    declined = {"decline_code": "generic_decline", **_ADVICE} if code == "card_declined" else {}
    return {
        **declined,
        "charge": charge.id,
        "code": code,
        "doc_url": doc_url(code),
        "message": message,
        "payment_method": payment_method(charge),
        "type": "card_error",
    }


METHOD_DETAILS: dict[str, Json] = {
    "card": {
        "card": {
            "amount_authorized": None,
            "authorization_code": None,
            "brand": "visa",
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "pass",
            },
            "country": "US",
            "exp_month": 12,
            "exp_year": 2034,
            "fingerprint": "EmulatedCard4242",
            "funding": "credit",
            "installments": None,
            "last4": "4242",
            "mandate": None,
            "network": "visa",
            "network_transaction_id": None,
            "regulated_status": "unregulated",
            "three_d_secure": None,
            "wallet": None,
        },
        "type": "card",
    },
    "us_bank_account": {
        "type": "us_bank_account",
        "us_bank_account": {
            "account_holder_type": "company",
            "account_type": "checking",
            "bank_name": "STRIPE TEST BANK",
            "fingerprint": "EmulatedBank6789",
            "last4": "6789",
            "mandate": None,
            "payment_reference": None,
            "routing_number": "110000000",
        },
    },
}

"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role IN ('admin', 'member', 'power_user', 'viewer')", name=op.f("ck_api_tokens_role")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
        sa.UniqueConstraint("token_hash", name="uq_api_tokens_token_hash"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "billed_customers",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("erp_customer_id", sa.BigInteger(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("stripe_customer_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_billed_customers"),
        sa.UniqueConstraint(
            "tenant_id",
            "account_id",
            "erp_customer_id",
            "email",
            name="uq_billed_customers_tenant_id_account_id_erp_customer_id_email",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_billed_customers_stripe_customer", "billed_customers", ["account_id", "stripe_customer_id"]
    )

    op.create_table(
        "integrations",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("connected", sa.Boolean(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=True),
        sa.Column("snapshot", sa.JSON(), nullable=True),
        sa.Column("sealed_access_token", sa.String(), nullable=True),
        sa.Column("connected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disconnected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_reconciled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reconcile_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("webhook_gap", sa.JSON(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("account_id IS NOT NULL OR NOT connected", name=op.f("ck_integrations_connected")),
        sa.PrimaryKeyConstraint("id", name="pk_integrations"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_integrations_account", "integrations", ["account_id", "connected", "disconnected_at", "id"]
    )
    op.create_index("ix_integrations_tenant", "integrations", ["tenant_id", "id"])
    _create_partial_index(
        "ix_integrations_reconcile_due", "integrations", ["reconcile_due_at", "id"], "connected"
    )
    _create_partial_index(
        "uq_integrations_connected_account", "integrations", ["account_id"], "connected", unique=True
    )

    op.create_table(
        "sales_orders",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("paid_elsewhere", sa.BigInteger(), nullable=False),
        sa.Column("customer", sa.JSON(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("source_updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("paid_elsewhere >= 0", name=op.f("ck_sales_orders_paid_elsewhere")),
        sa.CheckConstraint("total >= 0", name=op.f("ck_sales_orders_total")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_sales_orders"),
    )
    op.create_table(
        "webhook_events",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=True),
        sa.Column("integration_id", sa.BigInteger(), nullable=True),
        sa.Column("stripe_event_id", sa.String(), nullable=False),
        sa.Column("event_type", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("related_object_id", sa.String(), nullable=True),
        sa.Column("event_created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("skip_reason", sa.String(), nullable=True),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "status IN ('failed', 'processed', 'processing', 'received', 'skipped')",
            name=op.f("ck_webhook_events_status"),
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_webhook_events_attempts")),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_events"),
        sa.UniqueConstraint(
            "account_id",
            "livemode",
            "stripe_event_id",
            name="uq_webhook_events_account_id_livemode_stripe_event_id",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_webhook_events_account", "webhook_events", ["account_id", "event_created_at"])
    _create_partial_index(
        "ix_webhook_events_due", "webhook_events", ["due_at", "id"], "status IN ('processing', 'received')"
    )
    _create_partial_index("ix_webhook_events_failed", "webhook_events", ["id"], "status = 'failed'")
    op.create_index("ix_webhook_events_integration", "webhook_events", ["tenant_id", "integration_id", "id"])
    op.create_index(
        "ix_webhook_events_related_object", "webhook_events", ["tenant_id", "related_object_id", "id"]
    )
    op.create_index("ix_webhook_events_status", "webhook_events", ["tenant_id", "status", "id"])
    op.create_index("ix_webhook_events_tenant", "webhook_events", ["tenant_id", "id"])
    op.create_index("ix_webhook_events_type", "webhook_events", ["tenant_id", "event_type", "id"])

    op.create_table(
        "invoices",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("integration_id", ID, nullable=False),
        sa.Column("sales_order_id", sa.BigInteger(), nullable=False),
        sa.Column("sales_order_number", sa.String(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("stripe_account_id", sa.String(), nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("customer_email", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("days_until_due", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("stripe_invoice_id", sa.String(), nullable=True),
        sa.Column("stripe_customer_id", sa.String(), nullable=True),
        sa.Column("stripe_payment_intent_id", sa.String(), nullable=True),
        sa.Column("stripe_charge_id", sa.String(), nullable=True),
        sa.Column("number", sa.String(), nullable=True),
        sa.Column("amount_paid", sa.BigInteger(), nullable=False),
        sa.Column("amount_remaining", sa.BigInteger(), nullable=False),
        sa.Column("amount_collected", sa.BigInteger(), nullable=False),
        sa.Column("amount_refunded", sa.BigInteger(), nullable=False),
        sa.Column("amount_lost", sa.BigInteger(), nullable=False),
        sa.Column("dispute_status", sa.String(), nullable=True),
        sa.Column("hosted_invoice_url", sa.String(), nullable=True),
        sa.Column("invoice_pdf", sa.String(), nullable=True),
        sa.Column("due_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finalized_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_refunded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure_reason", sa.String(), nullable=True),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "status IN ('abandoned', 'draft', 'open', 'paid', 'reserved', 'uncollectible', 'void')",
            name=op.f("ck_invoices_status"),
        ),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_invoices_amount")),
        sa.CheckConstraint("amount_lost >= 0", name=op.f("ck_invoices_amount_lost")),
        sa.CheckConstraint("amount_paid >= 0", name=op.f("ck_invoices_amount_paid")),
        sa.CheckConstraint("amount_collected >= 0", name=op.f("ck_invoices_amount_collected")),
        sa.CheckConstraint("amount_refunded >= 0", name=op.f("ck_invoices_amount_refunded")),
        sa.CheckConstraint("amount_remaining >= 0", name=op.f("ck_invoices_amount_remaining")),
        sa.ForeignKeyConstraint(["customer_id"], ["billed_customers.id"], name="fk_invoices_customer_id"),
        sa.ForeignKeyConstraint(["integration_id"], ["integrations.id"], name="fk_invoices_integration_id"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "sales_order_id"],
            ["sales_orders.tenant_id", "sales_orders.id"],
            name="fk_invoices_tenant_id_sales_order_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_invoices"),
        sa.UniqueConstraint(
            "stripe_account_id", "stripe_invoice_id", name="uq_invoices_stripe_account_id_stripe_invoice_id"
        ),
        sqlite_autoincrement=True,
    )
    _create_partial_index(
        "ix_invoices_account", "invoices", ["integration_id", "stripe_account_id"], "status <> 'abandoned'"
    )
    op.create_index("ix_invoices_integration", "invoices", ["integration_id", "id"])
    op.create_index("ix_invoices_integration_status", "invoices", ["integration_id", "status", "id"])
    op.create_index("ix_invoices_order", "invoices", ["tenant_id", "sales_order_id", "id"])
    _create_partial_index(
        "ix_invoices_unfinished",
        "invoices",
        ["stripe_account_id", "id"],
        "status IN ('draft', 'open', 'uncollectible')",
    )
    _create_partial_index("ix_invoices_waiting", "invoices", ["customer_id"], "status IN ('reserved')")
    _create_partial_index(
        "uq_invoices_payable",
        "invoices",
        ["tenant_id", "sales_order_id"],
        "status IN ('draft', 'open', 'reserved')",
        unique=True,
    )

    op.create_table(
        "oauth_states",
        sa.Column("state_hash", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("integration_id", ID, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("consumed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["integration_id"], ["integrations.id"], name="fk_oauth_states_integration_id"
        ),
        sa.PrimaryKeyConstraint("state_hash", name="pk_oauth_states"),
    )
    op.create_index("ix_oauth_states_expires_at", "oauth_states", ["expires_at"])

    op.create_table(
        "receivers",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("integration_id", ID, nullable=True),
        sa.Column("stripe_endpoint_id", sa.String(), nullable=True),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("sealed_secret", sa.String(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(kind = 'account') = (integration_id IS NOT NULL)", name=op.f("ck_receivers_integration")
        ),
        sa.CheckConstraint("kind IN ('account', 'connect', 'platform')", name=op.f("ck_receivers_kind")),
        sa.ForeignKeyConstraint(["integration_id"], ["integrations.id"], name="fk_receivers_integration_id"),
        sa.PrimaryKeyConstraint("id", name="pk_receivers"),
        sa.UniqueConstraint("stripe_endpoint_id", name="uq_receivers_stripe_endpoint_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_receivers_integration", "receivers", ["integration_id"])
    _create_partial_index(
        "uq_receivers_platform", "receivers", ["kind"], "kind IN ('connect', 'platform')", unique=True
    )

    op.create_table(
        "intents",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=True),
        sa.Column("integration_id", ID, nullable=True),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("invoice_id", ID, nullable=True),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("first_sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('confirmed', 'failed', 'planned', 'sent', 'unknown')", name=op.f("ck_intents_state")
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_intents_attempts")),
        sa.ForeignKeyConstraint(["integration_id"], ["integrations.id"], name="fk_intents_integration_id"),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name="fk_intents_invoice_id"),
        sa.PrimaryKeyConstraint("id", name="pk_intents"),
        sa.UniqueConstraint("reference", name="uq_intents_reference"),
        sqlite_autoincrement=True,
    )
    _create_partial_index(
        "ix_intents_due", "intents", ["due_at", "id"], "state IN ('planned', 'sent', 'unknown')"
    )
    _create_partial_index("ix_intents_failed", "intents", ["id"], "state IN ('failed')")
    _create_partial_index(
        "ix_intents_unsettled_invoice", "intents", ["invoice_id"], "state IN ('planned', 'sent', 'unknown')"
    )
    _create_partial_index(
        "ix_intents_unsettled_integration",
        "intents",
        ["integration_id", "id"],
        "state IN ('planned', 'sent', 'unknown')",
    )
    _create_partial_index(
        "uq_intents_unsettled", "intents", ["subject"], "state IN ('planned', 'sent', 'unknown')", unique=True
    )

    op.create_table(
        "links",
        sa.Column("stripe_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("invoice_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name="fk_links_invoice_id"),
        sa.PrimaryKeyConstraint("stripe_id", "account_id", name="pk_links"),
    )
    op.create_index("ix_links_invoice", "links", ["invoice_id"])

    op.create_table(
        "payments",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("stripe_id", sa.String(), nullable=False),
        sa.Column("invoice_id", ID, nullable=False),
        sa.Column("payment_intent_id", sa.String(), nullable=True),
        sa.Column("charge_id", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("amount_paid", sa.BigInteger(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount_paid >= 0", name=op.f("ck_payments_amount_paid")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name="fk_payments_invoice_id"),
        sa.PrimaryKeyConstraint("account_id", "stripe_id", name="pk_payments"),
    )
    op.create_index("ix_payments_invoice", "payments", ["invoice_id"])
    op.create_index("ix_payments_payment_intent", "payments", ["account_id", "payment_intent_id"])

    op.create_table(
        "refunds",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("invoice_id", ID, nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("payment_intent_id", sa.String(), nullable=True),
        sa.Column("charge_id", sa.String(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("stripe_refund_id", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("failure_reason", sa.String(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('canceled', 'failed', 'pending', 'refused', 'requires_action', 'reserved', 'succeeded')",
            name=op.f("ck_refunds_state"),
        ),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_refunds_amount")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name="fk_refunds_invoice_id"),
        sa.PrimaryKeyConstraint("id", name="pk_refunds"),
        sa.UniqueConstraint("account_id", "stripe_refund_id", name="uq_refunds_account_id_stripe_refund_id"),
        sa.UniqueConstraint("reference", name="uq_refunds_reference"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_refunds_invoice", "refunds", ["invoice_id", "id"])
    _create_partial_index(
        "ix_refunds_undecided", "refunds", ["account_id", "id"], "state IN ('pending', 'requires_action')"
    )

    op.create_table(
        "disputes",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("stripe_id", sa.String(), nullable=False),
        sa.Column("invoice_id", ID, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("charge_id", sa.String(), nullable=True),
        sa.Column("payment_intent_id", sa.String(), nullable=True),
        sa.Column("is_charge_refundable", sa.Boolean(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_disputes_amount")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name="fk_disputes_invoice_id"),
        sa.PrimaryKeyConstraint("account_id", "stripe_id", name="pk_disputes"),
    )
    op.create_index("ix_disputes_invoice", "disputes", ["invoice_id"])
    _create_partial_index(
        "ix_disputes_ongoing",
        "disputes",
        ["account_id", "stripe_id"],
        "status NOT IN ('lost', 'prevented', 'warning_closed', 'won')",
    )

    op.create_table(
        "idempotent_requests",
        sa.Column("token_id", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("body_hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("content_type", sa.String(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("token_id", "method", "path", "key", name="pk_idempotent_requests"),
    )
    op.create_index("ix_idempotent_requests_created_at", "idempotent_requests", ["created_at"])
    op.create_table(
        "probes",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_probes"),
    )


def downgrade() -> None:
    for table in (
        "probes",
        "idempotent_requests",
        "disputes",
        "refunds",
        "payments",
        "links",
        "intents",
        "receivers",
        "oauth_states",
        "invoices",
        "webhook_events",
        "sales_orders",
        "integrations",
        "billed_customers",
        "api_tokens",
    ):
        op.drop_table(table)


def _create_partial_index(
    name: str, table: str, columns: list[str], where: str, unique: bool = False
) -> None:
    op.create_index(
        name,
        table,
        columns,
        unique=unique,
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )

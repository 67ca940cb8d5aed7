// What GET /api/panel answers, as far as it is drawn. The names are the API's own.

export interface Order {
  number: string;
  currency: string;
  total_in_cents: number;
  outstanding_in_cents: number;
  overpaid_in_cents: number;
  customer: { name: string; email: string | null };
  open_invoice: { id: number } | null;
}

export interface Payment {
  stripe_invoice_payment_id: string;
  amount: number | null;
  status: "pending" | "failed" | "paid";
  method: string | null;
  paid_at: string | null;
  failure_reason: string | null;
}

export interface Refund {
  id: number;
  amount: number;
  status: string;
  created_at: string;
}

export interface Dispute {
  stripe_dispute_id: string;
  status: string;
  amount: number;
  opened_at: string;
}

export interface Invoice {
  id: number;
  number: string | null;
  status: "draft" | "open" | "paid" | "void" | "uncollectible";
  amount: number;
  amount_paid: number;
  amount_remaining: number;
  refundable_in_cents: number;
  currency: string;
  payment_status: string;
  customer_email: string;
  hosted_invoice_url: string | null;
  invoice_pdf: string | null;
  due_date: string | null;
  sent_at: string | null;
  payments: Payment[];
  refunds: Refund[];
  disputes: Dispute[];
}

export interface TimelineEntry {
  sequence: number;
  type: string;
  subject_id: string;
  occurred_at: string;
  actor_type: string;
  user_id: number | null;
}

export interface Panel {
  order: Order | null;
  integrations: { id: number; name: string; livemode: boolean }[];
  invoices: Invoice[];
  timeline: TimelineEntry[];
  decimals: Record<string, number>;
  session: { can: string[]; origin: string; expires_at: string };
  version: string;
  latest: number;
}

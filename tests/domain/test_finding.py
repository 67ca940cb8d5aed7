import pytest

from stripe_bridge.domain.finding import Finding, Fix, Severity, counted


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 invoices"), (1, "1 invoice"), (2, "2 invoices"), (21, "21 invoices")]
)
def test_a_noun_agrees_with_its_number(number: int, words: str):
    assert counted(number, "invoice") == words


def test_a_note_is_nothing_that_could_be_fixed():
    note = Finding.note("receivers", "cannot be checked", "check them in Stripe's Dashboard")

    assert (note.severity, note.fix, note.integration_id) == (Severity.NOTE, None, None)


@pytest.mark.parametrize(
    ("make", "severity"), [(Finding.error, Severity.ERROR), (Finding.warning, Severity.WARNING)]
)
def test_an_error_or_a_warning_names_its_fix_and_the_integration_to_fix(make, severity: Severity):
    finding = make("integration 7", "not reconciled", "stripe-bridge reconcile", Fix.RECONCILE, 7)

    assert (finding.severity, finding.fix, finding.integration_id) == (severity, Fix.RECONCILE, 7)

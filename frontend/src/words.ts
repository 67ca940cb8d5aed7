// Every sentence in the four languages, side by side: en, de, fr, es. `{name}` is filled in.

const LANGUAGES = ["en", "de", "fr", "es"];

const WORDS = {
  title: ["Stripe invoices", "Stripe-Rechnungen", "Factures Stripe", "Facturas de Stripe"],
  loading: ["Loading…", "Wird geladen …", "Chargement…", "Cargando…"],
  outstanding: ["Outstanding", "Offen", "Restant dû", "Pendiente"],
  orderTotal: ["of {total}", "von {total}", "sur {total}", "de {total}"],
  overpaid: ["Overpaid by {amount}", "Um {amount} überzahlt", "Trop-perçu de {amount}", "Pagado de más: {amount}"],
  settled: ["Nothing outstanding", "Nichts offen", "Rien à payer", "Nada pendiente"],
  noOrder: ["This order has not been submitted for invoicing yet. Save it in the ERP first.", "Dieser Auftrag wurde noch nicht zur Abrechnung übergeben. Speichern Sie ihn zuerst im ERP.", "Cette commande n’a pas encore été transmise pour facturation. Enregistrez-la d’abord dans l’ERP.", "Este pedido aún no se ha enviado para facturar. Guárdelo primero en el ERP."],
  noIntegration: ["No Stripe account is connected. Ask an administrator to connect one.", "Es ist kein Stripe-Konto verbunden. Bitten Sie die Administration, eines zu verbinden.", "Aucun compte Stripe n’est connecté. Demandez à un administrateur d’en connecter un.", "No hay ninguna cuenta de Stripe conectada. Pida a un administrador que conecte una."],
  noInvoices: ["No invoice yet. Send one, and its payment shows here by itself.", "Noch keine Rechnung. Senden Sie eine; die Zahlung erscheint hier von selbst.", "Aucune facture. Envoyez-en une : le paiement s’affichera ici de lui-même.", "Aún no hay facturas. Envíe una y el pago aparecerá aquí por sí solo."],
  noInvoicesRead: ["No invoice has been sent for this order.", "Für diesen Auftrag wurde keine Rechnung gesendet.", "Aucune facture n’a été envoyée pour cette commande.", "No se ha enviado ninguna factura para este pedido."],
  test: ["Test mode", "Testmodus", "Mode test", "Modo de prueba"],

  draft: ["Draft", "Entwurf", "Brouillon", "Borrador"],
  open: ["Open", "Offen", "Ouverte", "Abierta"],
  overdue: ["Overdue", "Überfällig", "En retard", "Vencida"],
  pending: ["Bank payment under way", "Bankzahlung unterwegs", "Paiement bancaire en cours", "Pago bancario en curso"],
  paid: ["Paid", "Bezahlt", "Payée", "Pagada"],
  refunded: ["Refunded", "Erstattet", "Remboursée", "Reembolsada"],
  partlyRefunded: ["Partly refunded", "Teilweise erstattet", "Remboursée en partie", "Reembolsada en parte"],
  void: ["Void", "Storniert", "Annulée", "Anulada"],
  uncollectible: ["Uncollectible", "Uneinbringlich", "Irrécouvrable", "Incobrable"],

  invoice: ["Invoice {number}", "Rechnung {number}", "Facture {number}", "Factura {number}"],
  noNumber: ["Invoice", "Rechnung", "Facture", "Factura"],
  due: ["Due {date}", "Fällig am {date}", "Échéance le {date}", "Vence el {date}"],
  emailed: ["Emailed {ago} to {email}", "{ago} an {email} gesendet", "Envoyée {ago} à {email}", "Enviada {ago} a {email}"],
  remaining: ["{amount} left to pay", "noch {amount} zu zahlen", "{amount} restant à payer", "quedan {amount} por pagar"],
  payment: ["Payment", "Zahlung", "Paiement", "Pago"],
  paymentFailed: ["Payment failed", "Zahlung fehlgeschlagen", "Échec du paiement", "Pago fallido"],
  paymentPending: ["Payment under way", "Zahlung unterwegs", "Paiement en cours", "Pago en curso"],
  refund: ["Refund", "Erstattung", "Remboursement", "Reembolso"],
  refundPending: ["Refund under way", "Erstattung unterwegs", "Remboursement en cours", "Reembolso en curso"],
  refundFailed: ["Refund failed", "Erstattung fehlgeschlagen", "Échec du remboursement", "Reembolso fallido"],
  dispute: ["Dispute", "Zahlungseinspruch", "Litige", "Disputa"],
  disputeWon: ["Dispute won", "Einspruch gewonnen", "Litige gagné", "Disputa ganada"],
  disputeLost: ["Dispute lost", "Einspruch verloren", "Litige perdu", "Disputa perdida"],

  copyLink: ["Copy pay link", "Zahlungslink kopieren", "Copier le lien de paiement", "Copiar enlace de pago"],
  copied: ["Copied", "Kopiert", "Copié", "Copiado"],
  pdf: ["PDF", "PDF", "PDF", "PDF"],
  send: ["Send invoice", "Rechnung senden", "Envoyer une facture", "Enviar factura"],
  sendAgain: ["Send again", "Erneut senden", "Renvoyer", "Reenviar"],
  voidIt: ["Void", "Stornieren", "Annuler la facture", "Anular"],
  refundIt: ["Refund", "Erstatten", "Rembourser", "Reembolsar"],
  cancel: ["Cancel", "Abbrechen", "Fermer", "Cancelar"],
  retry: ["Try again", "Erneut versuchen", "Réessayer", "Reintentar"],
  dismiss: ["Dismiss", "Ausblenden", "Masquer", "Descartar"],
  support: ["Copy for support", "Für den Support kopieren", "Copier pour le support", "Copiar para soporte"],
  timeline: ["Timeline", "Verlauf", "Historique", "Historial"],
  amount: ["Amount ({currency})", "Betrag ({currency})", "Montant ({currency})", "Importe ({currency})"],
  email: ["Email", "E-Mail", "E-mail", "Correo"],
  account: ["Stripe account", "Stripe-Konto", "Compte Stripe", "Cuenta de Stripe"],
  reason: ["Reason", "Grund", "Motif", "Motivo"],
  reasonNone: ["None given", "Keine Angabe", "Aucun", "Ninguno"],
  reasonRequested: ["Requested by customer", "Vom Kunden gewünscht", "Demandé par le client", "Solicitado por el cliente"],
  reasonDuplicate: ["Duplicate", "Doppelt", "Doublon", "Duplicado"],
  reasonFraudulent: ["Fraudulent", "Betrügerisch", "Frauduleux", "Fraudulento"],

  sendTitle: ["Send invoice for {amount}?", "Rechnung über {amount} senden?", "Envoyer une facture de {amount} ?", "¿Enviar una factura de {amount}?"],
  sendWhat: ["Stripe emails {customer} at {email} an invoice for {amount}, with a page to pay at. Nothing is charged until the customer pays.", "Stripe sendet {customer} an {email} eine Rechnung über {amount} mit einer Seite zum Bezahlen. Belastet wird erst, wenn bezahlt wird.", "Stripe envoie à {customer}, à l’adresse {email}, une facture de {amount} avec une page de paiement. Rien n’est débité avant que le client paie.", "Stripe envía a {customer}, a {email}, una factura de {amount} con una página de pago. No se cobra nada hasta que el cliente pague."],
  againTitle: ["Send invoice {number} again?", "Rechnung {number} erneut senden?", "Renvoyer la facture {number} ?", "¿Reenviar la factura {number}?"],
  againWhat: ["Stripe emails {customer} at {email} the same invoice for {amount} once more. Nothing else changes.", "Stripe sendet {customer} an {email} dieselbe Rechnung über {amount} noch einmal. Sonst ändert sich nichts.", "Stripe renvoie à {customer}, à l’adresse {email}, la même facture de {amount}. Rien d’autre ne change.", "Stripe vuelve a enviar a {customer}, a {email}, la misma factura de {amount}. No cambia nada más."],
  voidTitle: ["Void invoice {number} for {amount}?", "Rechnung {number} über {amount} stornieren?", "Annuler la facture {number} de {amount} ?", "¿Anular la factura {number} de {amount}?"],
  voidWhat: ["{customer} can no longer pay it. This cannot be undone; the order can be invoiced again.", "{customer} kann sie nicht mehr bezahlen. Das lässt sich nicht rückgängig machen; der Auftrag kann neu abgerechnet werden.", "{customer} ne pourra plus la payer. C’est irréversible ; la commande pourra être facturée à nouveau.", "{customer} ya no podrá pagarla. No se puede deshacer; el pedido podrá facturarse de nuevo."],
  refundTitle: ["Refund {amount}?", "{amount} erstatten?", "Rembourser {amount} ?", "¿Reembolsar {amount}?"],
  refundWhat: ["{customer} gets {amount} back, the way it was paid. This cannot be undone. At most {max} can be refunded.", "{customer} erhält {amount} auf dem Zahlungsweg zurück. Das lässt sich nicht rückgängig machen. Höchstens {max} können erstattet werden.", "{customer} reçoit {amount} par le moyen de paiement utilisé. C’est irréversible. {max} au plus peuvent être remboursés.", "{customer} recibe {amount} por el mismo medio de pago. No se puede deshacer. Se pueden reembolsar como máximo {max}."],
  badAmount: ["Enter an amount from {min} to {max}.", "Geben Sie einen Betrag von {min} bis {max} ein.", "Saisissez un montant de {min} à {max}.", "Introduzca un importe de {min} a {max}."],
  badEmail: ["Enter an email address.", "Geben Sie eine E-Mail-Adresse ein.", "Saisissez une adresse e-mail.", "Introduzca un correo electrónico."],
  busy: ["Working…", "Wird ausgeführt …", "En cours…", "En curso…"],

  doneSend: ["The invoice for {amount} was sent to {email}.", "Die Rechnung über {amount} wurde an {email} gesendet.", "La facture de {amount} a été envoyée à {email}.", "La factura de {amount} se envió a {email}."],
  doneVoid: ["Invoice {number} was voided.", "Rechnung {number} wurde storniert.", "La facture {number} a été annulée.", "La factura {number} se anuló."],
  doneRefund: ["{amount} was refunded.", "{amount} wurden erstattet.", "{amount} ont été remboursés.", "Se reembolsaron {amount}."],
  nowPaid: ["Invoice {number} is paid.", "Rechnung {number} ist bezahlt.", "La facture {number} est payée.", "La factura {number} está pagada."],

  noSession: ["This page got no access to the order’s invoices.", "Diese Seite hat keinen Zugriff auf die Rechnungen des Auftrags erhalten.", "Cette page n’a pas obtenu l’accès aux factures de la commande.", "Esta página no obtuvo acceso a las facturas del pedido."],
  forbidden: ["You are not allowed to do that here.", "Das ist Ihnen hier nicht erlaubt.", "Vous n’êtes pas autorisé à faire cela ici.", "No tiene permiso para hacer eso aquí."],
  offline: ["The invoice service cannot be reached. What you see may be out of date.", "Der Rechnungsdienst ist nicht erreichbar. Die Anzeige kann veraltet sein.", "Le service de facturation est injoignable. L’affichage peut être périmé.", "No se puede acceder al servicio de facturas. Lo que ve puede estar desactualizado."],
  tooMany: ["Too many requests. Try again in {seconds} seconds.", "Zu viele Anfragen. Versuchen Sie es in {seconds} Sekunden erneut.", "Trop de demandes. Réessayez dans {seconds} secondes.", "Demasiadas solicitudes. Inténtelo de nuevo en {seconds} segundos."],
  recently: ["The invoice was emailed less than a minute ago.", "Die Rechnung wurde vor weniger als einer Minute gesendet.", "La facture a été envoyée il y a moins d’une minute.", "La factura se envió hace menos de un minuto."],
  broken: ["Something went wrong on the service’s side.", "Beim Dienst ist etwas schiefgegangen.", "Une erreur s’est produite côté service.", "Algo falló en el servicio."],
  refused: ["That did not work: {detail}", "Das hat nicht geklappt: {detail}", "Cela n’a pas fonctionné : {detail}", "No funcionó: {detail}"],

  byStripe: ["Stripe", "Stripe", "Stripe", "Stripe"],
  byService: ["automatically", "automatisch", "automatiquement", "automáticamente"],
  byUser: ["user {id}", "Benutzer {id}", "utilisateur {id}", "usuario {id}"],
  byErp: ["the ERP", "das ERP", "l’ERP", "el ERP"],
  byOperator: ["an operator", "der Betrieb", "un opérateur", "un operador"],

  "sales_order.created": ["Order submitted", "Auftrag übergeben", "Commande transmise", "Pedido enviado"],
  "invoice.created": ["Invoice created", "Rechnung erstellt", "Facture créée", "Factura creada"],
  "invoice.sent": ["Invoice emailed", "Rechnung gesendet", "Facture envoyée", "Factura enviada"],
  "invoice.send_failed": ["Sending failed", "Senden fehlgeschlagen", "Échec de l’envoi", "Envío fallido"],
  "invoice.payment_pending": ["Bank payment under way", "Bankzahlung unterwegs", "Paiement bancaire en cours", "Pago bancario en curso"],
  "invoice.payment_failed": ["Payment failed", "Zahlung fehlgeschlagen", "Échec du paiement", "Pago fallido"],
  "invoice.partially_paid": ["Partly paid", "Teilweise bezahlt", "Payée en partie", "Pagada en parte"],
  "invoice.paid": ["Paid", "Bezahlt", "Payée", "Pagada"],
  "invoice.overdue": ["Overdue", "Überfällig", "En retard", "Vencida"],
  "invoice.marked_uncollectible": ["Marked uncollectible", "Als uneinbringlich markiert", "Marquée irrécouvrable", "Marcada como incobrable"],
  "invoice.voided": ["Invoice voided", "Rechnung storniert", "Facture annulée", "Factura anulada"],
  "invoice.corrected": ["Corrected from Stripe", "Nach Stripe berichtigt", "Corrigée d’après Stripe", "Corregida según Stripe"],
  "refund.created": ["Refund started", "Erstattung begonnen", "Remboursement lancé", "Reembolso iniciado"],
  "refund.succeeded": ["Refunded", "Erstattet", "Remboursé", "Reembolsado"],
  "refund.failed": ["Refund failed", "Erstattung fehlgeschlagen", "Échec du remboursement", "Reembolso fallido"],
  "refund.canceled": ["Refund canceled", "Erstattung abgebrochen", "Remboursement annulé", "Reembolso cancelado"],
  "dispute.opened": ["Dispute opened", "Einspruch eröffnet", "Litige ouvert", "Disputa abierta"],
  "dispute.closed": ["Dispute closed", "Einspruch abgeschlossen", "Litige clos", "Disputa cerrada"],
} satisfies Record<string, [string, string, string, string]>;

export type Word = keyof typeof WORDS;
export type Say = (word: Word, values?: Record<string, string>) => string;

/** The first of the wanted languages that there is; English if there is none. */
export function languageOf(wanted: string): string {
  const language = wanted.toLowerCase().split("-")[0] ?? "";
  return LANGUAGES.includes(language) ? language : "en";
}

export function speak(language: string): Say {
  const index = LANGUAGES.indexOf(language);
  return (word, values = {}) =>
    WORDS[word][index]!.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? "");
}

export function isWord(text: string): text is Word {
  return Object.hasOwn(WORDS, text);
}

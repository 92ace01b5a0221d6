"""Nearest: which column of a foreign file may be the one that is missing? Told in an error, and never used unasked.

A header is judged by its words, as exports in English, German, Spanish and French have them, and by its letters where
somebody mistyped. What is no time is not said to be one, and what is a time is no id: "Contract End Date" is not the
subscription, however much the letters look like it.
"""

import re
import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metrics.files.column import Column

ALIKE = 0.7  # of the letters, from which on a name may be mistyped
_TIME = (
    "date time datetime timestamp day created datum zeit uhrzeit zeitpunkt zeitstempel erstellt am fecha hora tiempo "
    "marca heure horodatage jour"
)
_WHO = (
    "user customer client contact visitor member subscriber account person company email mail benutzer nutzer kunde "
    "kunden kd debitor kontakt teilnehmer mitglied usuario cliente correo utilisateur adherent"
)
_WORDS = {
    "user_id": _WHO,
    "customer_id": f"{_WHO} requester reporter",
    "respondent_id": f"{_WHO} respondent participant",
    "recipient_id": f"{_WHO} recipient empfaenger",
    "event": "event action activity ereignis aktion vorgang aktivitaet evento accion evenement",
    "net": "amount total net revenue price sum betrag summe netto umsatz preis importe precio montant prix",
    "score": (
        "score rating nps likely recommend satisfied easy bewertung punktzahl note wahrscheinlich weiterempfehlen "
        "weiterempfehlung zufrieden puntuacion valoracion"
    ),
    "subscription_id": "subscription contract abo vertrag suscripcion contrato abonnement contrat",
    "invoice_id": "invoice rechnung rechnungsnummer beleg belegnummer factura facture",
    "ticket_id": "ticket case issue conversation anfrage vorgang",
    "campaign_id": "campaign kampagne campana campagne",
    "start": "start startdatum begin began from beginn anfang inicio debut",
    "end": "end enddatum ended until cancelled canceled ende kuendigung fin",
    "due_at": "due faellig faelligkeit vencimiento echeance",
    "paid_at": "paid payment bezahlt zahlung zahldatum pagado pago paye paiement",
    "effective_at": "effective end ended ende wirksam",
    "requested_at": "requested canceled cancelled kuendigung gekuendigt",
    "answered_at": "answered submitted completed response beantwortet abgeschickt ausgefuellt respuesta",
    "created_at": "created opened erstellt eroeffnet creado",
}
_WHOSE_TIME = ("start", "end", "due_at", "paid_at", "effective_at", "requested_at")  # a date alone does not say which
_ROWS = ("subscription_id", "invoice_id", "ticket_id")  # what a row is, whose id many exports call just so
_ID = ("id", "nr", "no", "number", "nummer", "numero", "key")
_NOT_ID = ("name", "note", "description", "status", "type", "stage", "owner", "titel", "title")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def words_of(header: str) -> list[str]:
    """The words of a header, without case, umlauts and accents: "Fecha de creación" and "serverTime" are plain words.

    >>> words_of("Fecha de creación"), words_of("serverTime"), words_of("Kd.-Nr."), words_of("Fällig am")
    (['fecha', 'de', 'creacion'], ['server', 'time'], ['kd', 'nr'], ['faellig', 'am'])
    """
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header)
    plain = unicodedata.normalize("NFC", apart).casefold().translate(_UMLAUTS)
    letters = "".join(c for c in unicodedata.normalize("NFD", plain) if not unicodedata.combining(c))
    return re.findall(r"[^\W_]+", letters)


def nearest(found: Sequence[str], missing: Sequence["Column"]) -> dict[str, str]:
    """The likeliest header for each missing column that has one; the surest pair of all is told first."""
    pairs = sorted(
        ((likeness(header, column), -k, column.name, header) for k, header in enumerate(found) for column in missing),
        reverse=True,
    )
    told: dict[str, str] = {}
    for sure, _, name, header in pairs:
        if sure > 0 and name not in told and header not in told.values():
            told[name] = header
    return told


def likeness(header: str, column: "Column") -> float:
    """How likely a header is this column: words that it shares, and how alike its letters are; 0: not at all."""
    words = words_of(header)
    together = "".join(words)
    names = ["".join(words_of(name)) for name in (column.name, *column.synonyms)]
    alike = max((SequenceMatcher(None, together, name).ratio() for name in names), default=0.0)
    alike = alike if alike >= ALIKE else 0.0
    times = _hits(words, _TIME)
    own = _hits(words, _WORDS.get(column.name, ""))
    if column.kind == "time":
        if column.name in _WHOSE_TIME:
            return own and own + min(times, 1) + alike
        return own + times + alike if own + times or alike >= 0.85 else 0.0
    if times and column.name != "event":
        return 0.0
    if column.kind == "id" and own:
        own += 0.5 * any(word.endswith(_ID) for word in words) - 0.5 * any(word in _NOT_ID for word in words)
    if column.name in _ROWS and set(words) <= {"id", "record"}:
        own = 0.5
    return own + alike


def _hits(words: Sequence[str], known: str) -> float:
    """How many words are known ones, or made with one: Rechnungsdatum is a Datum."""
    single = known.split()
    return sum(
        1.0 if word in single else 0.9 * any(len(s) > 3 and (word.startswith(s) or word.endswith(s)) for s in single)
        for word in words
    )

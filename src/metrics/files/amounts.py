"""Amounts: how many decimals a currency has, and what a written amount is in its smallest unit.

Currencies with other than two decimals, as ISO 4217 lists them.
"""

import re
from decimal import Decimal, InvalidOperation
from typing import Any

import pandas as pd

NONE = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())  # noqa: SIM905
THREE = frozenset("BHD IQD JOD KWD LYD OMR TND".split())  # noqa: SIM905

SIGNS = {"€": "EUR", "£": "GBP", "₹": "INR", "₺": "TRY", "₴": "UAH", "₪": "ILS", "₩": "KRW", "zł": "PLN", "Kč": "CZK"}
SIGN = rf"(?P<%s>[A-Z]{{3}}|[$¥₽{''.join(sign for sign in SIGNS if len(sign) == 1)}]|zł|Kč)?"
WRITTEN = re.compile(rf"(?P<minus>[-\u2212+]?)\s*{SIGN % 'before'}\s*(?P<digits>-?\d[\d.,'’\s]*?)\s*{SIGN % 'behind'}")
GROUPS = r"-?\d{{1,3}}([{0}'’\s]\d{{3}})+"  # of three digits
POINT = re.compile(rf"({GROUPS.format(',')}|-?\d+)(\.\d+)?")
COMMA = re.compile(rf"({GROUPS.format('.')}|-?\d+)(,\d+)?")


def decimals(currency: str) -> int:
    """How many decimals amounts of this currency have.

    >>> [decimals(currency) for currency in ("EUR", "jpy", "KWD")]
    [2, 0, 3]
    """
    code = currency.upper()
    return 0 if code in NONE else 3 if code in THREE else 2


def number(amount: Any) -> Decimal | None:
    """An amount as it is written, with commas between thousands or before the decimals; None where it is no number.

    >>> [str(number(text)) for text in ("1,019.00", "19,00", "12,000", "free")]
    ['1019.00', '19.00', '12000', 'None']
    """
    text = str(amount).strip()
    if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", text):
        text = text.replace(",", "")
    elif re.fullmatch(r"-?\d+,\d{1,2}", text):
        text = text.replace(",", ".")
    try:
        exact = Decimal(text)
    except InvalidOperation:
        return None
    return exact if exact.is_finite() else None


def minor(amount: Any, currency: str) -> int | None:
    """An amount as it is written, in the smallest unit of its currency; None where it is no number.

    >>> minor("19.00", "eur"), minor("2800", "jpy"), minor("", "eur")
    (1900, 2800, None)
    """
    exact = number(amount)
    return None if exact is None else int(exact.scaleb(decimals(currency)).to_integral_value())


def major(amount: Any, currency: str) -> float | None:
    """An amount in the smallest unit, in the currency itself.

    >>> major(1900, "eur"), major(2800, "jpy")
    (19.0, 2800.0)
    """
    try:
        exact = Decimal(str(amount)).scaleb(-decimals(currency))
    except InvalidOperation:
        return None
    return float(exact) if exact.is_finite() else None


def read_written(texts: pd.Series) -> tuple[pd.Series, str | None]:
    """Amounts as people write them, ``1.019,50 €`` or ``$1,019.50``, and the currency of their sign.

    All are read in one manner, with a decimal point or a decimal comma, whichever
    all of them agree with. What agrees with both (``1,019``), bears another sign
    than the rest, or is no amount, is missing.

    >>> numbers, currency = read_written(pd.Series(["1.019,50 €", "12 €", "free"]))
    >>> numbers.tolist(), currency
    ([1019.5, 12.0, nan], 'EUR')
    >>> read_written(pd.Series(["$1,019", "$12"]))[0].tolist()  # a thousand and nineteen, or one and a bit?
    [nan, nan]
    """
    nothing = pd.Series(float("nan"), index=texts.index)
    found = texts.dropna().map(WRITTEN.fullmatch).dropna()
    signs = {SIGNS.get(sign, sign) for one in found if (sign := one["before"] or one["behind"])}  # € is EUR
    if found.empty or len(signs) > 1 or any(one["before"] and one["behind"] for one in found):
        return nothing, None
    digits = found.map(lambda one: one["digits"])
    fits = [digits.map(manner.fullmatch).notna().all() for manner in (POINT, COMMA)]
    if sum(fits) != 1 and not (all(fits) and digits.str.fullmatch(r"-?\d+").all()):
        return nothing, None
    plain = digits.str.replace(r"[,'’\s]" if fits[0] else r"[.'’\s]", "", regex=True).str.replace(",", ".")
    is_negative = found.map(lambda one: one["minus"] in ("-", "\u2212"))
    numbers = plain.astype("float64").where(~is_negative, -plain.astype("float64"))
    return numbers.reindex(texts.index), next(iter(signs), None)

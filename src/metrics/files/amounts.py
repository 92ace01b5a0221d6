"""Amounts: how many decimals a currency has, and what a written amount is in its smallest unit.

Currencies with other than two decimals, as ISO 4217 lists them.
"""

import re
from decimal import Decimal, InvalidOperation
from typing import Any

NONE = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())  # noqa: SIM905
THREE = frozenset("BHD IQD JOD KWD LYD OMR TND".split())  # noqa: SIM905


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

"""Amounts: how many decimals a currency has, and what a written amount is in its smallest unit.

Currencies with other than two decimals, as ISO 4217 lists them.
"""

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


def minor(amount: Any, currency: str) -> int | None:
    """An amount as it is written, in the smallest unit of its currency; None where it is no number.

    >>> minor("19.00", "eur"), minor("2800", "jpy"), minor("", "eur")
    (1900, 2800, None)
    """
    try:
        exact = Decimal(str(amount).strip()).scaleb(decimals(currency))
    except InvalidOperation:
        return None
    return int(exact.to_integral_value()) if exact.is_finite() else None


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

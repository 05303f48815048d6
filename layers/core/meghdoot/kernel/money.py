"""Money is integer minor units and a currency; decimals exist only at the API."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

# ISO 4217 exponents that are not two. Everything else has two decimals.
_EXPONENTS = {"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3, "CLP": 0, "ISK": 0, "JPY": 0, "KRW": 0, "PYG": 0, "UGX": 0, "VND": 0, "XAF": 0, "XOF": 0}  # fmt: skip
_MAX_MINOR = 10**15


def exponent(currency: str) -> int:
    """How many decimals a currency has (ISO 4217)."""
    return _EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units (poisha, cents) of one currency."""

    minor: int
    currency: str

    @classmethod
    def of(cls, amount: Decimal | str | int, currency: str) -> Money:
        """From a decimal amount. Raises ValueError for too many decimals, NaN, infinity or over 10**15 minor units."""
        try:
            scaled = Decimal(amount).scaleb(exponent(currency))
            minor = int(scaled)
        except (InvalidOperation, OverflowError, ValueError) as e:
            raise ValueError("not an amount") from e
        if scaled != minor:
            raise ValueError(f"{currency} has {exponent(currency)} decimals")
        if abs(minor) > _MAX_MINOR:
            raise ValueError("amount too large")
        return cls(minor, currency)

    def decimal(self) -> Decimal:
        """The amount as people write it, with all decimals of the currency."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.minor + other.minor, self.currency)


def ratio(numerator: int, denominator: int, places: int = 4) -> float:
    """A rate rounded half up; 0.0 when there is nothing to divide by."""
    if denominator == 0:
        return 0.0
    quotient = Decimal(numerator) / Decimal(denominator)
    return float(quotient.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP))

"""Numbers and dates as people read them, in English and Spanish."""

from __future__ import annotations

from datetime import UTC, datetime

from suelo.web.texts import Language

_SWAP = str.maketrans(",.", ".,")


def number(value: float, decimals: int, language: Language) -> str:
    """A number with a fixed count of decimals and grouped thousands: `1,234.5`, in Spanish `1.234,5`."""
    text = f"{value:,.{decimals}f}"
    return text.translate(_SWAP) if language == "es" else text


def shortest(value: float, language: Language) -> str:
    """A number with as many decimals as it has, up to four: `10`, `2.5`."""
    shown = round(value, 4)
    return number(shown, next(n for n in range(5) if round(shown, n) == shown), language)


def threshold(value: float, language: Language) -> str:
    """A threshold with two decimals, or up to four where it has more: `0.50`, `0.504`."""
    shown = round(value, 4)
    return number(shown, next(n for n in (2, 3, 4) if round(shown, n) == shown), language)


def hectares(area_m2: float, language: Language) -> str:
    """An area in hectares, to about three digits; what is more than nothing never reads as nothing.

    Args:
        area_m2: Square metres.
        language: Language of the reader.
    """
    area = area_m2 / 10_000
    if area == 0:
        return "0"
    if area < 0.005:
        return "< " + number(0.01, 2, language)
    return number(area, 2 if area < 9.995 else 1 if area < 99.95 else 0, language)


def exact_hectares(area_m2: float, language: Language) -> str:
    """An area in hectares to the square metre."""
    return number(area_m2 / 10_000, 4, language)


def percent(share: float, language: Language) -> str:
    """A share of 0 to 1 in percent, to one decimal."""
    if 0 < share < 0.0005:
        return f"< {number(0.1, 1, language)} %"
    return f"{number(share * 100, 1, language)} %"


def metres(length_m: float, language: Language) -> str:
    """A pixel size: `1.24 m`."""
    return f"{number(length_m, 2, language)} m"


def utc_time(moment: datetime) -> str:
    """A moment as `2026-03-01 14:05 UTC`; the page's script turns it into the reader's own time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def iso_time(moment: datetime) -> str:
    """A moment for the `datetime` attribute."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")

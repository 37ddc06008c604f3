"""Numbers as people read them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from suelo.web import formats


@pytest.mark.parametrize(
    ("area_m2", "english", "spanish"),
    [
        (0, "0", "0"),
        (8, "< 0.01", "< 0,01"),
        (50, "0.01", "0,01"),
        (12_345, "1.23", "1,23"),
        (99_949, "9.99", "9,99"),
        (99_960, "10.0", "10,0"),
        (999_600, "100", "100"),
        (123_456_789, "12,346", "12.346"),
    ],
)
def test_hectares_have_about_three_digits(area_m2: float, english: str, spanish: str) -> None:
    assert formats.hectares(area_m2, "en") == english
    assert formats.hectares(area_m2, "es") == spanish


@pytest.mark.parametrize(
    ("value", "english", "spanish"),
    [(0.5, "0.50", "0,50"), (0.504, "0.504", "0,504"), (0.1 + 0.2, "0.30", "0,30"), (0.12345, "0.1235", "0,1235")],
)
def test_thresholds_have_as_many_decimals_as_they_need(value: float, english: str, spanish: str) -> None:
    assert formats.threshold(value, "en") == english
    assert formats.threshold(value, "es") == spanish


def test_exact_hectares_tell_square_metres_apart() -> None:
    assert formats.exact_hectares(12_345.0, "en") == "1.2345"
    assert formats.exact_hectares(12_346.0, "es") == "1,2346"


@pytest.mark.parametrize(("share", "text"), [(0, "0.0 %"), (0.0001, "< 0.1 %"), (0.0005, "0.1 %"), (0.317, "31.7 %")])
def test_shares_are_percent_and_never_vanish(share: float, text: str) -> None:
    assert formats.percent(share, "en") == text


def test_times_are_told_in_utc() -> None:
    bogota = datetime(2026, 3, 1, 20, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert formats.utc_time(bogota) == "2026-03-02 01:30 UTC"
    assert formats.iso_time(bogota) == "2026-03-02T01:30:00+00:00"


def test_pixel_sizes_have_centimetres() -> None:
    assert formats.metres(1.2399, "en") == "1.24 m"
    assert formats.metres(0.31, "es") == "0,31 m"

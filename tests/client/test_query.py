"""What is shown of a result, as a query."""

from __future__ import annotations

import numpy as np
import pytest

from suelo.client.query import Show
from suelo.errors import InputError


@pytest.mark.parametrize("number", [0.25, np.float64(0.25), np.float32(0.25)])
def test_numbers_of_any_kind_are_written_as_numbers(number: float) -> None:
    assert Show(threshold=number).query() == "?threshold=0.25"
    assert Show(threshold={"buildings": number}).query() == "?threshold=buildings=0.25"
    assert Show(min_area=number, simplify=number).query() == "?min_area=0.25&simplify=0.25"


def test_whole_numbers_will_do() -> None:
    assert Show(min_area=np.int64(10)).query() == Show(min_area=10).query() == "?min_area=10.0"


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(InputError, match="'half' is none"):
        Show(threshold="half").query()


def test_classes_are_a_list_of_keys_or_one_key() -> None:
    assert Show(classes=("buildings", "roads")).query() == "?classes=buildings,roads"
    assert Show(classes=iter(["buildings", "roads"])).query() == "?classes=buildings,roads"
    assert Show(classes="buildings").query() == "?classes=buildings"
    assert Show(classes=[]).query() == "?classes="
    assert Show().query() == ""

"""The table."""

from __future__ import annotations

from suelo.web.tables import class_table
from suelo.web.texts import Texts


def cells(table, parts) -> list[list[str]]:
    lines = []
    for part in parts(table):
        if part["type"] == "Tr":
            values = [cell["props"]["children"] for cell in part["props"]["children"]]
            lines.append([value if isinstance(value, str) else value[-1] for value in values])
    return lines


def test_rows_hold_the_numbers_of_the_csv_file(rows, parts) -> None:
    lines = cells(class_table(rows, "", Texts("en")), parts)
    assert lines[0] == ["Class", "Threshold", "Objects", "Hectares", "Share", "Mean prob."]
    assert lines[1] == ["Buildings", "0.50", "1,000", "1.2345", "1.0 %", "0.75"]
    assert lines[10] == ["Small vehicles", "0.35", "10,000", "12.3450", "10.0 %", "0.75"]


def test_a_class_without_objects_has_no_mean_probability(rows, parts) -> None:
    lines = cells(class_table(rows, "", Texts("es")), parts)
    assert lines[6] == ["Cultivos", "0,40", "0", "0,0000", "0,0 %", "–"]


def test_screen_readers_get_a_caption_and_headers(rows, parts) -> None:
    table = parts(class_table(rows[:1], "", Texts("en")))
    assert any(part["type"] == "Caption" and "area with data" in part["props"]["children"] for part in table)
    assert [part["props"]["scope"] for part in table if part["type"] == "Th"] == ["col"] * 6 + ["row"]

"""Numbers per class as a spreadsheet: a CSV file falls into one column where the comma is the decimal sign."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from suelo.landcover import CLASSES, LandCover
from suelo.segmentation.summary import ClassSummary

if TYPE_CHECKING:
    from xlsxwriter.workbook import Workbook

# The same numbers are the same bytes, whenever they are written.
_CREATED = datetime(1980, 1, 1, tzinfo=UTC).replace(tzinfo=None)

_Cell = str | float | None


@dataclass(frozen=True)
class _Column:
    """A column of the table.

    Attributes:
        names: Its head, English and Spanish.
        width: In characters.
        number_format: Of its numbers, as spreadsheets write formats; empty for texts.
        cell: What it holds of a class, given its name in the language of the sheet.
    """

    names: tuple[str, str]
    width: int
    number_format: str
    cell: Callable[[ClassSummary, LandCover, str], _Cell]


_SHEETS = ("Classes", "Clases")
_COLUMNS = (
    _Column(("Class", "Clase"), 26, "", lambda _row, _c, name: name),
    _Column(("CORINE", "CORINE"), 9, "", lambda _row, c, _name: c.corine),
    _Column(("Threshold", "Umbral"), 10, "0.00##", lambda row, _c, _name: row.threshold),
    _Column(("Objects", "Objetos"), 10, "#,##0", lambda row, _c, _name: row.polygons),
    _Column(("Area in m²", "Área en m²"), 14, "#,##0.00", lambda row, _c, _name: row.area_m2),
    _Column(("Area in hectares", "Área en hectáreas"), 18, "#,##0.0000", lambda row, _c, _name: row.area_m2 / 10_000),
    _Column(("Share of the image", "Parte de la imagen"), 18, "0.00%", lambda row, _c, _name: row.area_share),
    _Column(("Mean probability", "Probabilidad media"), 18, "0.00", lambda row, _c, _name: row.mean_probability),
)


def write_spreadsheet(rows: Sequence[ClassSummary], path: Path) -> None:
    """Write an XLSX file: the same table on an English and on a Spanish sheet.

    Args:
        rows: One per class.
        path: The file; one that is there already is replaced.
    """
    from xlsxwriter.workbook import Workbook

    made = BytesIO()
    with Workbook(made, {"in_memory": True}) as workbook:
        workbook.set_properties({"created": _CREATED})
        for language, sheet in enumerate(_SHEETS):
            _write_sheet(workbook, sheet, language, rows)
    path.write_bytes(made.getvalue())


def _write_sheet(workbook: Workbook, name: str, language: int, rows: Sequence[ClassSummary]) -> None:
    sheet = workbook.add_worksheet(name)
    sheet.freeze_panes(1, 1)
    for number, column in enumerate(_COLUMNS):
        right = {"align": "right"} if column.number_format else {}
        sheet.set_column(number, number, column.width)
        sheet.write(0, number, column.names[language], workbook.add_format({"bold": True, "bottom": 1, **right}))
        of_cells = workbook.add_format({"num_format": column.number_format} if column.number_format else {})
        for line, row in enumerate(rows, 1):
            c = CLASSES[row.class_id - 1]
            value = column.cell(row, c, (c.name, c.name_es)[language])
            if value is not None:
                sheet.write(line, number, value, of_cells)

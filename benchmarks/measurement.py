"""One measured figure, and how a table of them is printed and kept."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Measurement:
    """A figure: what was measured, its value, its unit, and where the time or memory went."""

    name: str
    value: float
    unit: str
    detail: str = ""


def median_and_range(name: str, values: Sequence[float], unit: str, detail: str = "") -> Measurement:
    """The median of repeated measurements, with the smallest, the largest and their number in the detail."""
    spread = f"{len(values)} times, {min(values):.3g} to {max(values):.3g} {unit}"
    return Measurement(name, statistics.median(values), unit, f"{detail}; {spread}" if detail else spread)


def machine() -> dict[str, str | int]:
    """What the figures were measured on."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    flags = ""
    if info.exists():
        lines = info.read_text().splitlines()
        cpu = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), cpu)
        words = next((line.split() for line in lines if line.startswith("flags")), [])
        flags = " ".join(w for w in words if w in {"avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16"})
    return {"cpu": cpu, "cores": os.cpu_count() or 0, "instructions": flags, "python": platform.python_version()}


def report(measurements: Iterable[Measurement], path: Path) -> None:
    """Print each figure as it comes, and keep all of them as JSON."""
    facts = machine()
    print(" · ".join(f"{key}: {value}" for key, value in facts.items()), flush=True)
    kept = []
    for m in measurements:
        print(f"{m.name:<58} {m.value:>10.3f} {m.unit:<8} {m.detail}", flush=True)
        kept.append(asdict(m))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": facts, "measurements": kept}, indent=2))
    print(f"Kept in {path}")

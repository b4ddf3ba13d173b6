"""docs/strategies.md: its generated tables are current, and it says why what is missing is missing."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from scanlab.language.library import library_definitions

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "strategies.md").read_text(encoding="utf-8")


def test_generated_tables_are_current():
    filled = runpy.run_path(str(ROOT / "docs" / "make_strategies.py"))["filled"]
    assert filled(PAGE) == PAGE, "run: python docs/make_strategies.py"


def test_every_definition_is_on_the_page():
    for definition in library_definitions().values():
        assert f"| `{definition.signature}` |" in PAGE


@pytest.mark.parametrize(
    "system",
    [
        "DAMamba", "Deformba", "DefMamba", "GrootV", "2DMamba", "Mamba2D", "2D-CrossScan", "V2M", "cascade2d", "VSSD",
        "Spatial-Mamba", "PPMA", "PRISMamba", "GraphScan-Mamba", "MambaIRv2", "Spectral VMamba", "ShuffleMamba",
        "FractalMamba", "SparX", "Hi-Mamba", "DiffuSSM", "Octopus", "MambaEye",
    ],
)  # fmt: skip
def test_systems_without_a_definition_are_listed_with_a_reason(system):
    reasons = PAGE.split("## Not permutations")[1]
    assert system in reasons


@pytest.mark.parametrize(
    "system",
    [
        "Vim", "VMamba", "LocalMamba", "PlainMamba", "ZigMa", "EfficientVMamba", "RS-Mamba", "MambaAD", "MHS-VM",
        "EAMamba", "MaIR", "DiMSUM", "DiffMa", "VortexMamba", "Mamba-in-Mamba", "GroupMamba", "DiM", "EVSSM",
        "Vision-LSTM", "Adventurer", "VideoMamba", "Mamba-ND", "SegMamba", "Vivim", "SSUMamba", "PointMamba",
        "Voxel-Mamba", "MambaMIL", "U-Mamba", "MambaVision", "MSVMamba", "QuadMamba", "RSMamba", "MambaIR", "VmambaIR",
        "MobileMamba", "Samba (saliency)", "Samba (remote sensing)", "Point Mamba",
    ],
)  # fmt: skip
def test_systems_have_a_line_in_the_table(system):
    assert f"\n| {system} | " in PAGE

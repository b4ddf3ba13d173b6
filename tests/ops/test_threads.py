"""The threads of the CPU kernels: as many as torch has, its setting left alone, calls from several at once."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from agreement import outcome, random_arguments

from scanlab.ops import index_table

FRESH = """
import torch
torch.set_num_threads(1)
from scanlab.ops import index_table, selective_scan
table = index_table(torch.arange(4)[None], 4)
rows = torch.ones(1, 1, 4, 1)
selective_scan(rows[:, 0], rows, -torch.ones(1, 1, 1), rows, rows, paths=table)
print(torch.get_num_threads())
"""


@pytest.mark.parametrize("layer", ["default", "workqueue"])
def test_the_first_kernel_leaves_torchs_number_of_threads_alone(layer, monkeypatch):
    monkeypatch.setenv("NUMBA_THREADING_LAYER", layer)
    result = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "1"


# The kernel that is compiled soonest.
CONVOLUTION = """
import torch
from scanlab.ops import causal_conv1d, index_table, numba_runtime
numba_runtime.PATIENCE_S = 0.5
causal_conv1d(torch.ones(1, 4, 1), torch.ones(1, 1, 2), paths=index_table(torch.arange(4)[None], 4))
"""


def test_a_first_call_that_waits_for_the_compiler_says_so(tmp_path, monkeypatch):
    """With an empty cache everything is compiled; with a full one nothing is said."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    said = [
        subprocess.run([sys.executable, "-c", CONVOLUTION], capture_output=True, text=True, check=True).stderr
        for _ in range(2)
    ]
    assert said[0].startswith("ScanLab: compiling the convolution forward kernel for this processor, once")
    assert said[1] == ""


def test_several_threads_may_scan_at_once():
    table = index_table(torch.randperm(50)[None], 50)
    arguments = random_arguments(table, channels=40)
    alone = outcome(arguments, "cpu", paths=table, delta_softplus=True)
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda _: outcome(arguments, "cpu", paths=table, delta_softplus=True), range(12)))
    assert all(torch.equal(f[name], alone[name]) for f in outcomes for name in alone)

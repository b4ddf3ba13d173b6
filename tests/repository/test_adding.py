"""CONTRIBUTING.md, followed to the letter on a copy of the package: what it says is enough, and no step is too many."""

from __future__ import annotations

import json
import os
import shutil

import warm
from package_copy import ROOT, Copy


def test_the_page_names_what_is_done_here() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    places = (
        *("scanlab/ir/merges.py", "scanlab/compiler/curves/", "scanlab/ir/functions.py", "strategies/"),
        *("scanlab/ops/dispatch.py", "scanlab/ops/mamba2", "scanlab/zoo/presets.py", "scanlab/zoo/official.py"),
        *("scanlab/study/metrics.py", "scanlab/study/learning.py", "scanlab/study/tasks.py", "scanlab/nn/kinds.py"),
        *("scanlab/explorer/renderers", "scanlab/explorer/panes/pages.py", "scanlab/explorer/titles.py"),
    )
    for place in places:
        assert place in page


def test_a_strategy_is_a_definition_and_the_index(package: Copy) -> None:
    file = package.folder / "scanlab/strategies/basic.scan"
    line = '\n"Every second row first."\norder interlaced = by h % 2, h, w\nsource "a test"\n'
    file.write_text(file.read_text(encoding="utf-8") + "\ngrid h, w\n" + line, encoding="utf-8")
    stored = package.folder / "scanlab/strategies/index.json"
    before = stored.read_bytes()
    show = "import scanlab; print(scanlab.prove(scanlab.load('interlaced')).verdict)"
    assert package.says(show) == ["proved"]
    # Without the last step the index is of another library, which a test of the library finds.
    digests = "from scanlab.library_index import digest; print(digest())"
    assert json.loads(before)["digest"] not in package.says(digests)
    package.says("import runpy; runpy.run_module('scanlab.library_index', run_name='__main__')")
    index = json.loads(stored.read_text(encoding="utf-8"))
    assert [index["digest"]] == package.says(digests)
    assert [e["proof"] for e in index["definitions"] if e["name"] == "interlaced"] == ["proved"]


CURVE = """
import math
import numpy as np
from scanlab.compiler.curves.limits import require_cells

def stripes_grid(box, options):
    require_cells("stripes", box)
    return np.arange(math.prod(box), dtype=np.int64).reshape(box[::-1]).T.copy()
"""
SIGNATURE = '        Signature("stripes", 2, 2, "column by column"),\n'
KEYED = """
import scanlab
order = scanlab.parse("by stripes(h, w)", axes="h w")
print(scanlab.prove(order).verdict)
print(scanlab.compile(order, grid=(2, 3)).indices.tolist())
"""


def _add_curve(package: Copy, text: str = CURVE, is_listed: bool = True, is_declared: bool = True) -> None:
    package.write("scanlab/compiler/curves/stripes.py", text)
    home = "scanlab/compiler/curves/__init__.py"
    if is_listed:
        package.put(home, "\n__all__", "from scanlab.compiler.curves.stripes import stripes_grid\n")
        package.put(home, '        "hilbert": hilbert_grid', '        "stripes": stripes_grid,\n')
    if is_declared:
        package.put("scanlab/ir/functions.py", '        Signature("hilbert"', SIGNATURE)


def test_a_curve_is_a_function_a_row_and_a_signature(package: Copy) -> None:
    _add_curve(package)
    assert package.says(KEYED) == ["proved", "[[0, 3, 1, 4, 2, 5]]"]


def test_a_curve_that_is_not_declared_is_an_unknown_name(package: Copy) -> None:
    _add_curve(package, is_declared=False)
    assert "S201" in package.run(KEYED).stderr


def test_a_curve_that_is_not_listed_is_an_error(package: Copy) -> None:
    _add_curve(package, is_listed=False)
    assert package.run(KEYED).returncode != 0


def test_a_curve_that_is_no_bijection_is_not_proved(package: Copy) -> None:
    _add_curve(package, CURVE.replace("np.arange(math.prod(box), dtype=np.int64)", "np.zeros(math.prod(box), int)"))
    done = package.run(KEYED)
    assert not done.stdout.startswith("proved")


MERGE = '        "rms": MergeRule("added, over the root of their number", weight=lambda parts: parts**-0.5),\n'
MERGED = """
import torch, scanlab
from scanlab.compiler.decay import predicted_decay
from scanlab.nn import Merge
from scanlab.ops import path_table, selective_scan
def compiled(line): return scanlab.compile(scanlab.parse(line, axes="h w"), grid=(3, 3))
scan = scanlab.parse("rms(row, -row)", axes="h w")
print(scan, scanlab.prove(scan).verdict)
draw = torch.Generator().manual_seed(0)
u, delta = torch.randn(1, 9, 4, generator=draw), torch.rand(1, 2, 9, 4, generator=draw)
A, B, C = -torch.rand(2, 4, 3, generator=draw), *torch.randn(2, 1, 2, 9, 3, generator=draw)
def y(**how): return selective_scan(u, delta, A, B, C, backend="reference", **how)
ours, added = y(paths=compiled("rms(row, -row)")), y(paths=compiled("sum(row, -row)"))
named = y(paths=path_table(compiled("sum(row, -row)")), merge="rms")
print(torch.allclose(ours, added / 2**0.5), torch.equal(ours, named))
print(Merge(compiled("rms(row, -row)"), 4)().unique().tolist() == [torch.tensor(0.5).sqrt().item()])
fields = [predicted_decay(compiled(f"{merge}(row, -row)"), 0.5).sum() for merge in ("rms", "sum")]
print(round(fields[0] / fields[1], 6))
"""


def test_a_merge_is_one_row(package: Copy) -> None:
    package.put("scanlab/ir/merges.py", '        "sum": MergeRule(', MERGE)
    shown = package.says(MERGED)
    assert shown == ["rms((by h, w), -(by h, w)) proved", "True True", "True", str(round(2**-0.5, 6))]
    table = package.says(f"import runpy; print(runpy.run_path({str(ROOT / 'docs/generate.py')!r})['merges']())")
    assert "| `rms(a, b, …)` | added, over the root of their number |" in table


def test_a_merge_without_its_row_is_an_error() -> None:
    code = "from scanlab.ir.values import Order, Scan; Scan('rms', (Order(('h', 'w'), ()),))"
    for line in (MERGED, code):
        assert "S201" in warm.run(line, cwd=ROOT, env=os.environ).stderr


BACKEND = '        "twin": Backend("numpy", "twin", "none"),\n'
TWIN = "from scanlab.ops.{}.cpu import backward, forward\n\n__all__ = ['backward', 'forward']\n"
SCANNED = """
import torch, scanlab
from scanlab.bench.numerics import OPERATORS, ORDER, check_operator
from scanlab.ops import BACKENDS, causal_conv1d, selective_scan, ssd, use_backend
print("twin" in BACKENDS, "twin" in ORDER)
draw = torch.Generator().manual_seed(0)
def normal(*shape): return torch.randn(*shape, generator=draw)
paths = scanlab.compile("row", grid=(3, 3))
scan = (normal(1, 9, 4), normal(1, 1, 9, 4).abs(), -normal(1, 4, 3).exp(), normal(1, 1, 9, 3), normal(1, 1, 9, 3))
calls = (
    lambda: selective_scan(*scan, paths=paths),
    lambda: causal_conv1d(scan[0], scan[4].new_ones(1, 4, 3), paths=paths),
)
for call in calls:
    with use_backend("twin"):
        ours = call()
    with use_backend("reference"):
        print(torch.allclose(ours, call(), atol=1e-5))
"""


def test_a_backend_is_one_row_and_a_module_per_operator(package: Copy) -> None:
    package.put("scanlab/ops/dispatch.py", '    {"cpu": Backend(', "")
    package.put("scanlab/ops/dispatch.py", '"cpu": Backend(', BACKEND.strip() + " ")
    for operator in ("mamba", "mamba2", "conv"):
        package.write(f"scanlab/ops/{operator}/twin.py", TWIN.format(operator))
    assert package.says(SCANNED) == ["True True", "True", "True"]
    # An operator that the backend leaves out is an error, never another backend's result.
    (package.folder / "scanlab/ops/conv/twin.py").unlink()
    assert "scanlab.ops.conv.twin" in package.run(SCANNED).stderr


MIXER = '        "mean": MixerKind("mean_mixer", "MeanMixer", looks_ahead=True),\n'
MEAN = """
from torch import nn
from scanlab.nn.mixer import Mixer

class MeanMixer(Mixer):
    def __init__(self, place):
        super().__init__(place)
        self.project_out = nn.Linear(place.dim, place.dim)

    def mix(self, rows, table, grid):
        return self.project_out(rows.mean(1, keepdim=True).expand_as(rows))
"""
STEPPED = """
import torch
from scanlab.nn import Backbone, BackboneSizes, Classifier, MixerSizes, NextPatch
def backbone(): return Backbone("row", BackboneSizes(mixer=MixerSizes(kind="mean")), input_size=(8, 8), channels=1)
torch.manual_seed(0)
model, images, labels = Classifier(backbone(), 3), torch.randn(6, 1, 8, 8), torch.arange(6) % 3
optimizer = torch.optim.SGD(model.parameters(), 0.05)
def loss(): return torch.nn.functional.cross_entropy(model(images), labels)
before = loss()
before.backward()
print(all(p.grad is not None for name, p in model.named_parameters() if "project_out" in name))
optimizer.step()
print((loss() < before).item())
NextPatch(backbone())
"""


def test_a_kind_of_mixer_is_one_row_and_its_class(package: Copy) -> None:
    assert "S612" in package.run(STEPPED).stderr, "a kind that is in no table has no mixer"
    package.put("scanlab/nn/kinds.py", '        "none": MixerKind(', MIXER)
    assert "scanlab.nn.mean_mixer" in package.run(STEPPED).stderr
    package.write("scanlab/nn/mean_mixer.py", MEAN)
    done = package.run(STEPPED)
    assert done.stdout.split() == ["True", "True"]
    # A mean shows every patch those that come after it: the row says so, and nobody predicts them with it.
    assert "a mixer of the kind 'mean' shows every patch those that come after it" in done.stderr


PRESET = """
import torch
from scanlab.zoo import create_model, presets
with torch.device("meta"):
    model = create_model("vim_micro")
print("vim_micro" in presets(), model.backbone.dim)
"""


def test_a_preset_is_one_row(package: Copy) -> None:
    package.put("scanlab/zoo/presets.py", '        "vim_tiny": ', '        "vim_micro": _vim(96),\n')
    assert package.says(PRESET) == ["True 96"]
    text = (package.folder / "scanlab/zoo/presets.py").read_text(encoding="utf-8")
    package.write("scanlab/zoo/presets.py", text.replace('_VIM, "vim", ', '_VIM, "vin", '))
    assert "S617" in package.run(PRESET).stderr


TASK = """\
    Task("classification_by_error", "the class of an image", "classification", CLASSES, "error", False, "points"),
"""
STUDY = """
strategies = ["row", "snake"]
task = "classification_by_error"
controls = []
seeds = 1
limit = 40
test_limit = 40
recipe.epochs = 1
"""
RUN = """
import sys
from scanlab.cli import main
sys.argv = ["scanlab", "ablate", "study.toml", "--out", "study", "--workers", "1", "--json"]
main()
"""


def test_a_metric_is_measured_and_a_task_is_one_row(package: Copy) -> None:
    package.put("scanlab/study/tasks.py", '    _next_patch("next_patch", ', TASK)
    package.write("study.toml", STUDY)
    done = package.run(RUN)
    assert "S852" in done.stdout, "a task whose metric nobody measures fails, and says so"
    shutil.rmtree(package.folder / "study", ignore_errors=True)
    metric = '        "error": (guesses != targets).double().mean().item(),\n'
    package.put("scanlab/study/learning.py", '        "balanced_accuracy": ', metric)
    done = package.run(RUN)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["problems"][0]["metric"] == "error"

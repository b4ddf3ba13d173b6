"""The first run on a GPU, without one: every part goes through the launch code under a stub, and nothing is lost."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.gpu_first_run import dual_peer, wheels  # noqa: E402
from benchmarks.gpu_first_run.compiling import TAGS, read_records  # noqa: E402
from benchmarks.gpu_first_run.parts import PARTS, Part, any_right, run_part  # noqa: E402
from benchmarks.gpu_first_run.processes import Job, run_jobs  # noqa: E402
from benchmarks.gpu_first_run.results import Results, read  # noqa: E402
from benchmarks.gpu_first_run.settings import Settings  # noqa: E402
from benchmarks.gpu_first_run.table import table  # noqa: E402

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks, and ends with its parent, as Linux does")


FAST = ("--shapes", "0 10", "--models", "vim_tiny", "--tests", "last_states")
# Compiling is tested by itself, of few kernels.
LEFT_OUT = ("compile", "compile-variants")


def command(folder: Path, *words: str) -> list[str]:
    places = ("--out", str(folder / "out"), "--scratch", str(folder / "scratch"))
    return [sys.executable, "-m", "benchmarks.gpu_first_run", "--stub", "--jobs", "2", *places, *words]


@pytest.fixture(scope="module")
def dry_run(tmp_path_factory):
    """Every part but what only repeats at other sizes: two shapes, a model, some tests."""
    folder = tmp_path_factory.mktemp("run")
    parts = " ".join(part.name for part in PARTS if part.name not in LEFT_OUT)
    words = command(folder, *FAST, "--parts", parts)
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    return done, read(folder / "out"), folder


def of(lines, kind, **facts):
    return [x for x in lines if x["kind"] == kind and all(x.get(k) == v for k, v in facts.items())]


def test_every_part_goes_through_the_launch_code(dry_run):
    done, lines, folder = dry_run
    log = folder.joinpath("out", "run.log").read_text()
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:] + log[-3000:]
    ended = {x["part"]: (x.get("jobs"), x.get("well")) for x in of(lines, "part")}
    assert list(ended) == [part.name for part in PARTS if part.name not in LEFT_OUT]
    assert all(jobs and jobs == well for jobs, well in ended.values()), (ended, log[-3000:])
    assert not [x for x in lines if "error" in x and x["kind"] != "test"]


def test_every_part_leaves_its_facts(dry_run):
    _, lines, folder = dry_run
    assert len(of(lines, "smoke", right=True)) == 5 and of(lines, "graph", captured=True)
    names = {x["name"] for x in of(lines, "figure", shape="VMamba-T stage 1, N=1")}
    assert names == {"scanlab triton", "scanlab triton, random orders"}
    by_arithmetic = of(lines, "figure", shape="rows both ways, N=1", name="scanlab triton, paths by arithmetic")
    assert [x["backward"] for x in by_arithmetic] == [False, True]
    assert {x["what"] for x in of(lines, "model", how="compiled")} == {"inference", "training"}
    assert {x["variant"] for x in of(lines, "variant")} >= {
        "as chosen",
        "2 of 4 sequences in a program",
        "forward 64x8, 1 warps",
    }
    assert {x["kind_of_block"] for x in of(lines, "memory")} >= {"attention, fused kernel"}
    assert json.loads((folder / "out" / "memory.json").read_text())["figures"]


def test_nothing_is_computed_under_a_stub_and_the_device_tests_say_so(dry_run):
    _, lines, _ = dry_run
    errors = {x["error"].split(" ")[0] for x in of(lines, "test", outcome="failed")}
    assert errors <= {"AssertionError:", "Failed:"} and len(of(lines, "test")) >= 4, errors


def test_the_table_is_printed_and_says_which_peers_are_absent(dry_run):
    done, _, folder = dry_run
    page = table(folder / "out")
    assert page in done.stdout and len(done.stdout) < 12000
    assert "UNDER A STUB" in page and "failed or left out: 0" in page and "smoke: 5 of 5 launched" in page
    assert "NO PEER WAS MEASURED: mamba_ssm's kernels" in page and "VMamba-T stage 1, N=1" in page
    assert "stand in for VMamba's cross-scan" in page


def test_records_are_compiled_and_stale_ones_are_named(dry_run, tmp_path):
    _, _, folder = dry_run
    records = read_records(folder / "scratch" / "records")
    tags = {record["tag"] for record in records}
    assert tags == set(TAGS), "every part's launches are recorded, each specialisation once"
    kernel = "scanlab.kernels.gpu.selective_scan_carry:selective_scan_pass_kernel"
    [fits, *_] = [r for r in records if r["kernel"] == kernel]
    renamed = json.loads(json.dumps(fits).replace('"sizes"', '"old"').replace('"ends"', '"old"'))
    gone = {**fits, "kernel": "scanlab.kernels.gpu.selective_scan_carry:no_such_kernel"}
    kept = tmp_path / "scratch" / "records"
    kept.mkdir(parents=True)
    (kept / "some.jsonl").write_text("".join(json.dumps(r) + "\n" for r in (fits, fits, renamed, gone)))
    for again in (False, True):
        words = command(tmp_path, "--parts", "compile")
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        lines = of(read(tmp_path / "out"), "compiled")[-3:]
        assert [x["from_cache"] for x in lines if "seconds" in x] == [again]
        stale = sorted(x["stale"] for x in lines if "stale" in x)
        assert "no_such_kernel cannot be found" in stale[0] and "has other arguments now: ends, old" in stale[1]
    assert "4 stale" in done.stdout, "of both runs"


def test_launches_ask_for_what_was_compiled_and_a_grid_that_no_device_takes_fails(dry_run):
    """The key of Triton's cache is the same from a record and from a launch; grids are bounded as on a device."""
    _, _, folder = dry_run
    code = f"""
import json, os
from pathlib import Path
from triton.runtime.jit import JITFunction
from benchmarks.gpu_first_run import smoke, stub, compiling
from benchmarks.gpu_first_run.settings import Settings
hashes = []
stub.install(90, Path({str(folder / "again.jsonl")!r}), "smoke")
never = JITFunction._do_compile
def hashed(self, key, signature, device, constants, options, attributes, warmup):
    hashes.append(self.ASTSource(self, signature, constants, attributes).hash())
    return never(self, key, signature, device, constants, options, attributes, warmup)
JITFunction._do_compile = hashed
smoke.case(Settings(Path({str(folder)!r}), Path({str(folder)!r}), 1, stub=True), 2)
lines = Path({str(folder / "again.jsonl")!r}).read_text().splitlines()
assert len(lines) == len(hashes) > 1
assert [compiling.source_of(json.loads(line)).hash() for line in lines] == hashes
import pytest, torch
from scanlab.kernels.gpu.roofline import exp2_rate_kernel
exp2_rate_kernel[(65536,)](torch.empty(8), 1, BLOCK=8, ASM=True)
for grid in ((1, 65536), (0,)):
    with pytest.raises(RuntimeError, match="invalid argument"):
        exp2_rate_kernel[grid](torch.empty(8), 1, BLOCK=8, ASM=True)
"""
    environment = {**os.environ, "TRITON_INTERPRET": "0", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_killed_run_keeps_what_it_found(tmp_path):
    words = command(tmp_path, *FAST, "--parts", "smoke shapes peers")
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        ends = time.monotonic() + 60
        while not of(read(tmp_path / "out"), "smoke") and time.monotonic() < ends:
            time.sleep(0.05)
        running.send_signal(signal.SIGKILL)
    lines = read(tmp_path / "out")
    assert of(lines, "smoke", right=True) and not of(lines, "part", part="peers")
    with (tmp_path / "out" / "results.jsonl").open("a") as file:
        file.write('{"kind": "smoke", "cas')
    assert read(tmp_path / "out") == lines
    assert "of 5 launched" in table(tmp_path / "out")


def jobs_of(tmp_path: Path, *jobs: Job, seconds: float = 30, at_once: int = 1):
    return {o.name: o for o in run_jobs(jobs, tmp_path / "run.log", time.monotonic() + seconds, at_once)}


def test_a_job_that_fails_crashes_or_hangs_stops_no_other(tmp_path):
    results = Results(tmp_path)

    def hangs() -> None:
        subprocess.Popen([sys.executable, "-c", f"import time; time.sleep(1); open({str(tmp_path / 'late')!r}, 'w')"])
        results.note("fact", said="before it hung")
        time.sleep(60)

    found = jobs_of(
        tmp_path,
        Job("raises", lambda: 1 // 0, 5),
        Job("crashes", lambda: os.kill(os.getpid(), signal.SIGKILL), 5),
        Job("hangs", hangs, 0.5),
        Job("works", lambda: results.note("fact", said="at the end"), 5),
    )
    assert {name: o.code for name, o in found.items()} == {"raises": 1, "crashes": -9, "hangs": -9, "works": 0}
    assert [name for name, o in found.items() if o.cut] == ["hangs"]
    assert [x["said"] for x in read(tmp_path)] == ["before it hung", "at the end"]
    assert "ZeroDivisionError" in (tmp_path / "run.log").read_text()
    time.sleep(1.2)
    assert not (tmp_path / "late").exists(), "what a job started ends with it"


def test_jobs_without_time_are_left_out_and_several_run_at_once(tmp_path):
    def meets(number: int) -> None:
        """Ends only when all four have begun."""
        (tmp_path / f"begun-{number}").touch()
        while len(list(tmp_path.glob("begun-*"))) < 4:
            time.sleep(0.01)

    found = jobs_of(tmp_path, *(Job(str(n), partial(meets, n), 20) for n in range(4)), seconds=30, at_once=4)
    assert [o.code for o in found.values()] == [0] * 4
    left = jobs_of(tmp_path, Job("late", lambda: None, 5), seconds=1)["late"]
    assert left.code is None and not left.cut


def test_without_one_right_kernel_the_rest_is_left_out(tmp_path):
    run = Settings(tmp_path, tmp_path, 1)
    Results(tmp_path).note("run")
    Results(tmp_path).note("smoke", case="a", right=True)
    assert any_right(run)
    Results(tmp_path).note("run")
    Results(tmp_path).note("smoke", case="a", right=False)
    assert not any_right(run), "an earlier run says nothing of this one"


def test_a_part_that_cannot_begin_is_noted(tmp_path, capsys):
    def jobs(run, seconds):
        raise ImportError("no module named anything")

    run = Settings(tmp_path, tmp_path, 1)
    [outcome] = run_part(Part("broken", 5, 5, jobs), run, time.monotonic() + 5)
    assert outcome.code == 1 and "cannot begin" in capsys.readouterr().out
    assert "part broken: ImportError" in table(tmp_path)


def test_wheels_that_fit_are_unpacked_where_packages_are_missing(tmp_path, monkeypatch):
    here = f"cp{sys.version_info.major}{sys.version_info.minor}"
    monkeypatch.setattr(wheels, "FOLDER", tmp_path)
    monkeypatch.setattr(wheels, "PACKAGES", {"not_there": ("not_there", "helper"), "json": ("json",), "no": ("no",)})
    for name in (f"not_there-1.0-{here}-{here}-linux_x86_64", "helper-2.0-py3-none-any", "not_there-1.0-cp39-cp39-any"):
        with ZipFile(tmp_path / f"{name}.whl", "w") as archive:
            archive.writestr(f"{name.split('-')[0]}_{name.split('-')[2]}.py", "")
    told = wheels.unpack(tmp_path / "site")
    assert sorted(p.name for p in (tmp_path / "site").iterdir()) == ["helper_py3.py", f"not_there_{here}.py"]
    assert len(told) == 2 and told[1] == "no: no wheel for it"


def test_the_duals_peer_is_found_by_file(tmp_path, monkeypatch):
    """A stand-in for mamba_ssm whose __init__ cannot be imported, as without its compiled extension."""
    folder = tmp_path / "mamba_ssm"
    (folder / "ops" / "triton").mkdir(parents=True)
    (folder / "__init__.py").write_text("import selective_scan_cuda_is_missing")
    (folder / "ops" / "triton" / "ssd_combined.py").write_text(
        "from .helper import scale\ndef mamba_chunk_scan_combined(x, dt, A, B, C, chunk, D=None):\n    return scale * x"
    )
    (folder / "ops" / "triton" / "helper.py").write_text("scale = 3")
    for name in [n for n in sys.modules if n.split(".")[0] == "mamba_ssm"]:
        monkeypatch.delitem(sys.modules, name)
    assert dual_peer._folder() is None
    monkeypatch.setenv(dual_peer.VARIABLE, str(folder))
    combined = dual_peer._combined(dual_peer._folder())
    assert combined(2, 0, 0, 0, 0, 64) == 6
    for name in [n for n in sys.modules if n.split(".")[0] == "mamba_ssm"]:
        del sys.modules[name]


def test_the_doctor_asks_the_gpu_first_and_compiles_nothing_for_cpus(tmp_path):
    """`scanlab doctor --backend triton` goes through the launch code at once, and never imports Numba."""
    code = """
import sys
from benchmarks.gpu_first_run import stub
stub.install()
import torch
from scanlab.cli.doctor import run
from scanlab.bench.numerics import ORDER
assert ORDER[0] == "triton"
code = run(["triton"], True)
assert code == 1, "nothing is computed under a stub"
assert "numba" not in sys.modules
"""
    environment = {**os.environ, "TRITON_INTERPRET": "0", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    checks = json.loads(done.stdout)["checks"]
    assert {c["backend"] for c in checks} == {"triton"} and all(c["ran"] and not c["holds"] for c in checks)
    assert len(checks) == 9 and not [c for c in checks if c["note"].startswith("failed")], "launched, not refused"

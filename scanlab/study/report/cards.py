"""The card beside a model's weights: what it is, learnt from, gives and lacks, by what the study's record says.

The head of it is the metadata of Hugging Face's model cards, YAML whose texts are written as JSON has them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import scanlab
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text, reason_of
from scanlab.places import write_whole
from scanlab.study.analysis import analyse
from scanlab.study.cells import cells, share
from scanlab.study.early_stop import best_epoch, validation_metric
from scanlab.study.findings import Findings, ProblemFindings, StrategyFindings
from scanlab.study.place import CONFIG, KEPT, model_folder
from scanlab.study.record import MemberRecord, StudyRecord, TrialRecord, TrialResult
from scanlab.study.report.settings import held_equal
from scanlab.study.resampled import overlap_of
from scanlab.study.statistics import paired_difference
from scanlab.study.tasks import Task, task_of

if TYPE_CHECKING:
    from scanlab.study.trial import Study

__all__ = ["CARD", "model_card", "write_cards", "write_single_cards"]

CARD = "README.md"
# What Hugging Face's hub calls tasks, by how they are learnt.
PIPELINES: Mapping[str, str] = MappingProxyType(
    {
        "classification": "image-classification",
        "segmentation": "image-segmentation",
        "segmentation_with_unet": "image-segmentation",
        "detection": "object-detection",
        "text_lines": "image-to-text",
        "text_pages": "image-to-text",
    }
)


def write_cards(record: StudyRecord, findings: Findings) -> list[Path]:
    """Write a card beside all weights in the folder of a study's database; those that were written. Raises S606."""
    if record.database is None:
        return []
    written, seen = [], set()
    for member in record.members:
        if member.control is not None or member.key in seen or record.trial(member).result is None:
            continue
        place = model_folder(record.database.parent, member.problem, member.strategy, member.seed, member.key)
        seen.add(member.key)
        for name in KEPT:
            if (place / name).is_dir():
                loads = (place / name / CONFIG).is_file()
                written.append(_write(place / name / CARD, model_card(record, findings, member, name, loads)))
    return written


def write_single_cards(
    study: Study, result: TrialResult, environment: Mapping[str, str], places: Mapping[str, Path]
) -> None:
    """Write the card of the only trial of a study beside its weights, by "last" and "best". Raises S606."""
    [m] = study.members()
    member = MemberRecord(m.problem, m.strategy, m.seed, m.control, m.trial.key)
    trial = TrialRecord(member.key, "done", m.trial.config, result.epochs, result, environment=environment)
    record = StudyRecord(study.about(), (member,), {member.key: trial})
    findings = analyse(record)
    for name, place in places.items():
        _write(place / CARD, model_card(record, findings, member, name, (place / CONFIG).is_file()))


def _write(file: Path, text: str) -> Path:
    try:
        write_whole(file, text.encode(), mode=None)
    except OSError as error:
        help = "make room, or see who may write there"
        raise ScanlabError.at("S606", f"{file} cannot be written: {reason_of(error)}", help=help) from error
    return file


def model_card(
    record: StudyRecord, findings: Findings, member: MemberRecord, kept: str = "last", loads: bool = True
) -> str:
    """The card of a trial that is done, as Markdown. kept: which of its weights, "last" or "best"; loads: whether
    `scanlab.zoo.from_pretrained` reads them."""
    about = next(p for p in record.about["problems"] if p["name"] == member.problem)
    problem = next(p for p in findings.problems if p.name == member.problem)
    trial, task = record.trial(member), task_of(about)
    assert trial.result is not None, "a model has a card once it is trained"
    result, epochs = trial.result, trial.result.epochs
    chosen = best_epoch(epochs, task) if kept == "best" else None
    number = len(epochs) - 1 if chosen is None else chosen
    name = f"{member.strategy} on {member.problem}, seed {member.seed}"
    body = [
        f"# {name}",
        f"A model whose patches are read in the order *{member.strategy}*, trained by ScanLab {scanlab.__version__} as "
        f"trial `{member.key}` of the study “{record.about['name']}”.",
        "## Model",
        *_model(about, member, result),
        "## Data",
        *_data(about),
        "## Training",
        *_training(about, result, trial.environment, number, kept, task),
        "## Results",
        *_results(problem, epochs[number].metrics, task),
        *_of_all_seeds(problem, problem.row(member.strategy), task, about, record, findings.baseline),
        "## Limits",
        "\n".join(f"* {line}" for line in _limits(about, problem, kept, trial.config)),
        "## Use",
        *_use(task, loads),
    ]
    return "\n".join([_metadata(name, about, epochs[number].metrics, task), *(f"{part}\n" for part in body)])


def _use(task: Task, loads: bool) -> Iterator[str]:
    if not loads:
        yield "The file holds weights alone, as `load_state_dict` takes them from `safetensors.torch.load_file`."
        return
    if _pipeline(task):
        yield "```\nscanlab predict FOLDER_OF_THIS_FILE picture.png\n```"
    yield '```python\nfrom scanlab import zoo\n\nmodel = zoo.from_pretrained("FOLDER_OF_THIS_FILE")\n```'


def _pipeline(task: Task) -> str:
    return PIPELINES.get(task.learning if isinstance(task.learning, str) else "", "")


def _metadata(name: str, about: Mapping[str, Any], metrics: Mapping[str, float], task: Task) -> str:
    """YAML front matter: https://huggingface.co/docs/hub/model-cards, with model-index as Papers with Code had it."""
    pipeline = _pipeline(task)
    tags = ["scanlab", "scan-order", "state-space-model", *([] if pipeline else [task.name])]
    data = Path(about["data"]["name"]).name
    lines = ["---", "library_name: scanlab"]
    lines += [f"pipeline_tag: {pipeline}"] if pipeline else []
    lines += ["tags:", *(f"- {json.dumps(tag)}" for tag in tags)]
    lines += ["model-index:", f"- name: {json.dumps(name)}", "  results:"]
    lines += ["  - task:", f"      type: {json.dumps(pipeline or task.name)}"]
    lines += ["    dataset:", f"      name: {json.dumps(data)}", f"      type: {json.dumps(about['fingerprint'])}"]
    lines += ["    metrics:"]
    for metric, value in metrics.items():
        if math.isfinite(value) and metric != validation_metric(task):
            lines += [f"    - type: {json.dumps(metric)}", f"      value: {value!r}"]
    return "\n".join([*lines, "---"])


def _model(about: Mapping[str, Any], member: MemberRecord, result: TrialResult) -> Iterator[str]:
    strategy = about["strategies"][member.strategy]
    yield f"* {result.parameters:,} parameters; {result.flops:,} floating-point operations for a sample"
    yield f"* Order, over ({', '.join(strategy['axes'])}) on a {grid_text(strategy['grid'])} grid:"
    yield f"```\n{strategy['source']}\n```"
    if "model" in about:
        yield f"* Made by `{about['model']['make']}`"
    yield _settings(about, "model")


def _settings(about: Mapping[str, Any], which: str) -> str:
    """Settings as a list, those that are not ScanLab's default in bold."""
    settings = dict(held_equal(about))[which]
    return "\n".join(f"* {'**' * s.differs}{s.name} = {s.value}{'**' * s.differs}" for s in settings)


def _data(about: Mapping[str, Any]) -> Iterator[str]:
    data = about["data"]
    yield f"* {Path(data['name']).name}, fingerprint `{about['fingerprint']}`; task: {about['task'].replace('_', ' ')}"
    chosen = {key: value for key, value in data.items() if key != "name" and value not in (None, "")}
    yield "\n".join(f"* {key} = {value}" for key, value in chosen.items())
    notes = [f"* {kind}: {text}" for kind, texts in about.get("notes", {}).items() for text in texts]
    if notes:
        yield "\n".join(notes)


def _training(
    about: Mapping[str, Any], result: TrialResult, made_on: Mapping[str, str], number: int, kept: str, task: Task
) -> Iterator[str]:
    yield f"* {_which(result, number, kept, task)}"
    speed = f"* {result.seconds:.1f} s of training, {result.throughput:,.0f} samples per second"
    memory = "" if result.memory is None else f", {result.memory / (1 << 20):.3g} MiB of memory at most"
    yield f"{speed}{memory}; on {made_on.get('device', 'an unknown device')}"
    versions = [f"{key} {made_on[key]}" for key in ("scanlab", "torch", "python", "code") if key in made_on]
    yield f"* {', '.join(versions)}"
    yield _settings(about, "training")


def _which(result: TrialResult, number: int, kept: str, task: Task) -> str:
    done = count_text(len(result.epochs), "epoch")
    if kept != "best":
        return f"Weights after the last of {done}"
    metric = validation_metric(task)
    value = share(result.epochs[number].metrics.get(metric), task.unit)
    return (
        f"Weights after epoch {number + 1} of {done}, the best by {metric} ({value}{' %' * bool(task.unit)}): of the "
        "part that chose it this number promises too much"
    )


def _results(problem: ProblemFindings, metrics: Mapping[str, float], task: Task) -> Iterator[str]:
    """This model's metrics on the part that results are of."""
    tested = f" on {count_text(problem.tested, 'sample')}" if problem.tested else ""
    yield f"This model{tested}:"
    known = {k: v for k, v in metrics.items() if math.isfinite(v) and k != validation_metric(task)}
    yield "\n".join(
        ["| metric | value |", "|---|---|", *(f"| {name} | {value:.4f} |" for name, value in known.items())]
    )


def _of_all_seeds(
    problem: ProblemFindings,
    row: StrategyFindings,
    task: Task,
    about: Mapping[str, Any],
    record: StudyRecord,
    baseline: str,
) -> Iterator[str]:
    """What its strategy gave after the last epochs, with an interval where there are several seeds."""
    unit = task.unit
    if row.diverged:
        yield f"Its strategy diverged, or gave no number, with seeds {', '.join(map(str, row.diverged))}."
        return
    if len(row.seeds) < 2:
        yield "Of this strategy there is one seed with a result, which shows no spread."
        return
    results = [record.trial(m).result for m in record.members if m.problem == problem.name and m.strategy == row.label]
    values = [result.final[task.primary] for result in results if result]
    spread = paired_difference(values, [0.0] * len(values), 0.95, overlap=overlap_of(about))
    mean = f"{task.primary} of this strategy after the last epoch, over {count_text(len(values), 'seed')}: "
    mean += f"{share(row.mean, unit)}{' %' * bool(unit)}"
    if spread.low is not None and spread.high is not None:
        low, high = (max(0.0, spread.low), min(1.0, spread.high)) if unit else (spread.low, spread.high)
        mean += f", 95 % interval {share(low, unit)} to {share(high, unit)}{' %' * bool(unit)}"
    yield mean + "."
    if row.label != baseline:
        yield f"Against {baseline}: {cells(row, problem, baseline).words}."


def _limits(about: Mapping[str, Any], problem: ProblemFindings, kept: str, config: Mapping[str, Any]) -> Sequence[str]:
    """What the record says that these numbers do not cover."""
    part = about["data"].get("part", "test")
    limits = [
        f"Trained and measured on {Path(about['data']['name']).name} alone; nothing is known of other data.",
        "Intervals cover what differs between seeds"
        + (", the parts among it" if config.get("parts") else "")
        + (", not the choice of the test samples." if not config.get("parts") else "."),
    ]
    if part != "test":
        limits.append(f"Measured on the {part} part; the test part was not looked at.")
    if kept == "best":
        limits.append("Results over seeds are those of last epochs, not of weights that were chosen as these were.")
    if problem.blind:
        limits.append("The study did not tell orders apart on these data: the order may not matter here.")
    limits += [f"In these data, {text}." for text in about.get("notes", {}).get("duplicated", [])]
    if about["recipe"].get("start"):
        limits.append("Training started from other weights; what they had learnt from is not known here.")
    return limits

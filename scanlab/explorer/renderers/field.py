"""The receptive field that ranks alone predict, as a picture and in figures."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan, prod

from scanlab.compiler.bind import bind
from scanlab.compiler.decay import DECAY, mean_distance, predicted_decay
from scanlab.compiler.spread import SHARES, spread
from scanlab.explorer.renderers.markup import figure, figures_table, note, paragraph, section
from scanlab.explorer.snapshot import Snapshot, Subject
from scanlab.ir.text import count_text
from scanlab.view.heat import heat_svg, scale_svg
from scanlab.view.receptive_field import MOST_AXES, Field

__all__ = ["Decay", "Predicted", "field_page", "predicted"]

# Beyond so many, the mean over all patches takes more than a moment.
MOST_PATCHES = 1024


@dataclass(frozen=True)
class Decay:
    """What a state keeps of itself at every step, and over how many layers; None is each layer of a plan once."""

    kept: float = DECAY
    layers: int | None = None


@dataclass(frozen=True, eq=False)
class Predicted:
    """The field of a strategy's centre patch. everywhere: the mean distance over all patches, None on large grids."""

    field: Field
    areas: tuple[float, ...]
    mean_distance: float
    everywhere: float | None


def predicted(subject: Subject, decay: Decay) -> Predicted:
    """Predict a field as `scanlab erf` does. Raises S634 and S406."""
    plan = bind(subject.value, subject.grid)
    values = predicted_decay(plan, decay.kept, layers=decay.layers)
    field = Field(subject.name, "predicted from ranks", values, axes=plan.axes)
    reach = spread(values, field.centre)
    small = prod(subject.grid) <= MOST_PATCHES
    everywhere = mean_distance(plan, decay.kept, layers=decay.layers) if small else None
    return Predicted(field, reach.areas, reach.mean_distance, everywhere)


def field_page(snapshot: Snapshot, decay: Decay) -> str:
    """Every strategy's field, drawn on one scale, and how far it spreads. Raises S634 and S406."""
    fields = [predicted(subject, decay) for subject in snapshot.subjects]
    drawn = [p for p in fields if p.field.values.ndim <= MOST_AXES]
    pictures = "".join(figure(heat_svg(p.field), p.field.strategy, _slices(p.field)) for p in drawn)
    legend = f'<div class="scale">{scale_svg()}</div>'
    head = ["strategy", "grid", *(f"{share:.0%}" for share in SHARES), "mean distance", "of all patches"]
    over = f" and {count_text(decay.layers, 'layer')}" if decay.layers else ""
    caption = f"A state keeps {decay.kept:g} of itself at every step{over}; how much of each patch reaches the centre."
    if len(drawn) < len(fields):
        caption += " Fields of four axes and more have figures only."
    body = f'<div class="fields">{pictures}</div>' if pictures else ""
    share = "The share of the grid's area that holds so much of what reaches the centre; distances in patches."
    return (
        paragraph(caption)
        + legend
        + body
        + section("How far it spreads", figures_table(head, [_row(p) for p in fields]), note(share))
    )


def _row(p: Predicted) -> list[object]:
    size = "×".join(map(str, p.field.values.shape))
    areas = [_number(area, 3) for area in p.areas]
    return [p.field.strategy, size, *areas, _number(p.mean_distance, 2), _number(p.everywhere, 2)]


def _slices(field: Field) -> str:
    if field.values.ndim < MOST_AXES:
        return "×".join(map(str, field.values.shape))
    a, b, c = field.axes
    return f"slices through the middle: {b}{c}, {a}{c}, {a}{b}"


def _number(value: float | None, digits: int) -> str | None:
    return None if value is None or isnan(value) else f"{value:.{digits}f}"

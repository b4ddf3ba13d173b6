"""The parts of panes that are linked to patches, line by line: which text they are, and of which paths.

A scene is a path that is shown, by its number in the picture. What the panes print and what is worked out for one patch
(`scanlab.explorer.explaining`) come from the same parts, in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from scanlab.codegen.listing import Listing, function_listing
from scanlab.codegen.programs import Target
from scanlab.compiler.bind import CompiledScan, Path
from scanlab.compiler.stages import different_orders, expressions, keys
from scanlab.explorer.renderers.markup import coloured_lines
from scanlab.explorer.snapshot import Snapshot

__all__ = ["Part", "Scene", "code_parts", "expression_parts", "key_parts", "linked_code", "listings", "scenes_of"]


@dataclass(frozen=True, eq=False)
class Scene:
    """A path that is shown: of which strategy it is, of which of its scans, and which path of that."""

    number: int
    subject: int
    scan: CompiledScan
    place: int

    @property
    def path(self) -> Path:
        """The path, bound to its grid."""
        return self.scan.paths[self.place]


@dataclass(frozen=True, eq=False)
class Part:
    """A text whose lines are linked. subject: number of its strategy; scenes: the paths that it is of."""

    subject: int
    name: str
    text: str
    scenes: tuple[Scene, ...]


def scenes_of(snapshot: Snapshot) -> tuple[Scene, ...]:
    """All paths that are shown, as the picture numbers them."""
    places = [
        (at, scan, place)
        for at, subject in enumerate(snapshot.subjects)
        for scan in subject.scans
        for place in range(len(scan.paths))
    ]
    return tuple(Scene(number, *where) for number, where in enumerate(places))


def key_parts(snapshot: Snapshot) -> Iterator[Part]:
    """The keys of every order, a line for each."""
    scenes = scenes_of(snapshot)
    for at, subject in enumerate(snapshot.subjects):
        words = keys(subject.value)
        for name, order in different_orders(subject.value).items():
            own = tuple(s for s in scenes if s.subject == at and s.path.order == order)
            yield Part(at, name, words[name], own)


def expression_parts(snapshot: Snapshot) -> Iterator[Part]:
    """The index expression of every path."""
    scenes = scenes_of(snapshot)
    for at, subject in enumerate(snapshot.subjects):
        own = [scene for scene in scenes if scene.subject == at]
        for scene, (name, words) in zip(own, expressions(subject.scans).items(), strict=True):
            yield Part(at, name, words, (scene,))


def listings(snapshot: Snapshot, target: Target) -> Iterator[tuple[CompiledScan, Listing, tuple[Part, ...]]]:
    """The path function of every scan, with the parts that it has: what kernels call, and what was not chosen."""
    scenes = scenes_of(snapshot)
    for at, subject in enumerate(snapshot.subjects):
        for scan in subject.scans:
            listing = function_listing(scan, target)
            own = tuple(scene for scene in scenes if scene.subject == at and scene.scan is scan)
            texts = [text.strip("\n") for text in (listing.text, listing.unused) if text]
            yield scan, listing, tuple(Part(at, listing.name, text, own) for text in texts)


def code_parts(snapshot: Snapshot, target: Target) -> Iterator[Part]:
    """All parts of `listings`."""
    for _, _, parts in listings(snapshot, target):
        yield from parts


def linked_code(part: Part, number: int, language: str, titles: Sequence[str] = ()) -> str:
    """The text of a part, a line at a time, each with room for what it comes to at one patch.

    number: of the part in its pane. titles: what to know of each line beforehand.
    """
    lines = []
    for at, body in enumerate(coloured_lines(part.text, language), 1):
        about = f' title="{escape(titles[at - 1])}"' if at <= len(titles) and titles[at - 1] else ""
        begin = f'<span class="line" tabindex="-1" data-line="{at}"{about}>'
        lines.append(f'{begin}<span>{body}</span><span class="v"></span></span>')
    scenes = " ".join(str(scene.number) for scene in part.scenes)
    return (
        f'<p class="at" data-at-part="{number}"></p>'
        f'<pre class="code linked" tabindex="0" data-part="{number}" data-scenes="{scenes}">{chr(10).join(lines)}</pre>'
    )

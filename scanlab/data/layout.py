"""The words of `layout`, by which a person settles how data are to be read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.guesses import nearest

__all__ = [
    "ARRAYS",
    "ARRAYS_OF_LABELS",
    "ARRAYS_OF_MASKS",
    "AXES",
    "BOX_FOLDERS",
    "CLASS_FOLDERS",
    "FOLDERS",
    "LABEL_TABLES",
    "MASK_FOLDERS",
    "NOTHING",
    "TASK_FOLDERS",
    "TEXT_LINES",
    "VOLUMES",
    "VOLUME_CLASSES",
    "VOLUME_MASKS",
    "WORDS",
    "Layout",
    "settled_by",
]

# Every word with what it says; those with an = are followed by a name.
WORDS: Mapping[str, str] = MappingProxyType(
    {
        "classes": "a folder, or a number, is a class",
        "masks": "targets are masks, a class per pixel",
        "table": "labels are those of the CSV file",
        "multi_label": "every sample has any number of labels",
        "images=": "the folder of the images",
        "masks=": "the folder of the masks, or how their names end",
        "label=": "the column of the CSV file with the class",
        "text=": "the column with the transcription",
        "dark_ink": "text is darker than the paper",
        "light_ink": "text is lighter than the paper",
        "group=": "the column of the CSV file with the group, such as a patient",
        "nested": "folders below those of a class, or of the images, say nothing",
        "groups": "folders below those of a class, or of the images, are groups (patients), which no split divides",
        "masked_only": "images without a mask are left out",
        "channels_first": "arrays are [M, C, *extents]",
        "channels_last": "arrays are [M, *extents, C]",
        "no_channels": "arrays are [M, *extents]",
        "video": "the first axis of a volume is time",
        "frames": "every frame of a file counts: a video or a volume",
        "first_frame": "of a file with several frames the first counts",
        "as_stored": "what EXIF says of a picture's orientation is left aside",
        "raw_values": "values are taken as they are",
        "scaled_values": "the smallest value of all becomes 0, the largest 1",
        "reflectance": "values are ten thousandths of a reflectance, as in Sentinel-2's files",
        "instances": "masks number objects, all of class 1",
        "boxes": "targets are boxes around the objects that masks number",
        "coco": "boxes are those of COCO's JSON files",
        "voc": "boxes are those of Pascal VOC's XML files",
        "yolo": "boxes are those of YOLO's text files",
        "levels": "every different value or colour of the masks is a class, in ascending order",
        "threshold": "masks are black and white: from 128 up it is class 1",
        "ignore_255": "255 in masks marks pixels that do not count",
        "same_grid": "masks lie on the voxels of their volumes, whatever their headers say",
    }
)
_MASKS = ("instances", "levels", "threshold", "ignore_255")
_VALUES = ("raw_values", "scaled_values", "reflectance")
_PICTURES = ("frames", "first_frame", "as_stored", *_VALUES)
AXES = ("channels_first", "channels_last", "no_channels", "video", *_VALUES)
_BELOW = ("nested", "groups")
# What can be said of data of each kind: a word of another kind would do nothing, and is refused.
TASK_FOLDERS = ("masks", "masked_only", "same_grid", *_MASKS)
MASK_FOLDERS = ("masks", "boxes", "images=", "masks=", "masked_only", *_BELOW, *_PICTURES, *_MASKS)
CLASS_FOLDERS = ("classes", *_BELOW, *_PICTURES)
LABEL_TABLES = ("table", "multi_label", "label=", "group=", *_PICTURES)
VOLUME_MASKS = ("images=", "masks=", *_BELOW, *TASK_FOLDERS)
VOLUME_CLASSES = ("classes", *_BELOW)
ARRAYS_OF_LABELS = ("classes", "multi_label", *AXES)
ARRAYS_OF_MASKS = ("masks", "boxes", *AXES, *_MASKS)
BOX_FOLDERS = ("coco", "voc", "yolo", "as_stored", *_VALUES)
TEXT_LINES = ("text=", "dark_ink", "light_ink")
FOLDERS = tuple(dict.fromkeys((*LABEL_TABLES, *CLASS_FOLDERS, *MASK_FOLDERS)))
ARRAYS = tuple(dict.fromkeys((*ARRAYS_OF_LABELS, *ARRAYS_OF_MASKS)))
VOLUMES = (*VOLUME_CLASSES, *(word for word in VOLUME_MASKS if word not in _BELOW))
# Of each group one word at most.
_APART = (
    ("classes", "masks", "table", "boxes", "coco", "voc", "yolo"),
    ("classes", "masks", "multi_label"),
    ("channels_first", "channels_last", "no_channels"),
    ("frames", "first_frame"),
    ("nested", "groups"),
    ("dark_ink", "light_ink"),
    _VALUES,
    _MASKS,
)


@dataclass(frozen=True)
class Layout:
    """What was settled: words, and names given to the words that take one.

    >>> layout = Layout.read("masks=SegmentationClass, ignore_255")
    >>> "ignore_255" in layout, layout.named("masks")
    (True, ('SegmentationClass',))
    """

    words: frozenset[str] = frozenset()
    names: tuple[tuple[str, str], ...] = ()

    def __contains__(self, word: str) -> bool:
        return word in self.words

    def __bool__(self) -> bool:
        return bool(self.words or self.names)

    def named(self, word: str) -> tuple[str, ...]:
        """The names that were given to a word, in their order."""
        return tuple(name for key, name in self.names if key == word)

    def chosen(self, *words: str) -> str:
        """The one of these words that was given, or ""."""
        return next((word for word in words if word in self.words), "")

    @classmethod
    def read(cls, text: str) -> Layout:
        """Words with commas or spaces between them. Raises S690 for a word that means nothing, or two that contradict
        one another."""
        words, names = [], []
        for part in text.replace(",", " ").split():
            word, equals, name = part.partition("=")
            key = f"{word}=" if equals else word
            if key not in WORDS or (equals and not name):
                raise _unknown(part)
            if equals:
                names.append((word, name))
            else:
                words.append(word)
        for group in _APART:
            if len(both := [word for word in group if word in words]) > 1:
                raise ScanlabError.at("S690", f"layout says both {both[0]} and {both[1]}", help="leave one of them out")
        return cls(frozenset(words), tuple(names))

    def check(self, known: Collection[str], source: str) -> None:
        """Raise S690 for a word that says nothing of such a source."""
        given = [*sorted(self.words), *(f"{word}=" for word, _ in self.names)]
        if odd := [word for word in given if word not in known]:
            could = f"it can say {', '.join(known)}" if known else "leave layout out"
            raise ScanlabError.at("S690", f"layout says {odd[0]}, which means nothing for {source}", help=could)


# What is said where nothing is.
NOTHING = Layout()


def settled_by(*words: str) -> str:
    """Words of help: what settles an ambiguity, and what it then means.

    >>> settled_by("levels")
    'say layout = "levels" (every different value or colour of the masks is a class, in ascending order), as an option \
--layout levels'
    """
    said = [f'"{word}" ({WORDS[word.partition("=")[0] + "=" if "=" in word else word]})' for word in words]
    option = words[0] if "=" not in words[0] else f'"{words[0]}"'
    return f"say layout = {' or '.join(said)}, as an option --layout {option}"


def _unknown(word: str) -> ScanlabError:
    near = nearest(word, sorted(WORDS), 1)
    help = f"did you mean {near[0]!r}?" if near else f"it can say {', '.join(WORDS)}"
    return ScanlabError.at("S690", f"layout says {word!r}, which means nothing", help=help)

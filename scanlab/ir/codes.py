"""Every error code: what it means, and, for errors of a text, an example that is wrong and one that is right.

``scanlab explain`` and docs/language.md print this table; a test checks each example and that no code is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["CODES", "Code"]


@dataclass(frozen=True)
class Code:
    """The meaning of one code; ``wrong`` and ``right`` are whole texts, empty where no text can show it."""

    title: str
    meaning: str
    wrong: str = ""
    right: str = ""


_HW = "grid h, w\n"

_READING = {
    "S100": Code(
        "a character without meaning",
        "The language is made of names, whole numbers, strings in double quotes, and a few signs.",
        _HW + "order a = by h; w",
        _HW + "order a = by h, w",
    ),
    "S101": Code(
        "an unexpected word",
        "A word or sign stands where the grammar allows something else; the message lists what could follow.",
        _HW + "order a = by h, w were h < 3",
        _HW + "order a = by h, w where h < 3",
    ),
    "S102": Code(
        "a text that ends too early",
        "A definition stops in the middle.",
        _HW + "order a = by h,",
        _HW + "order a = by h, w",
    ),
    "S103": Code("not UTF-8", "A .scan file is UTF-8 text; the message names the first byte that is not."),
    "S104": Code("a text that is too long", "One file holds at most 262,144 characters."),
    "S105": Code(
        "nested too deeply",
        "Brackets nest at most 64 deep, operations 256 deep, and one expression has at most 1,000 words.",
    ),
    "S106": Code(
        "a number that is too large",
        "Numbers in a text go up to 2147483647, and what is computed from numbers alone stays below 2^62.",
        _HW + "order a = by 99999999999 * h, w",
        _HW + "order a = by 1000 * h, w",
    ),
    "S107": Code("a file that cannot be read", "It is missing, a folder, or not readable by you."),
    "S108": Code(
        "a string that is not closed",
        'A documentation string begins and ends with ".',
        _HW + '"Row by row.\norder a = by h, w',
        _HW + '"Row by row."\norder a = by h, w',
    ),
}

_NAMES = {
    "S200": Code(
        "no grid",
        "A definition uses coordinates, so a grid line that names the axes must stand above it.",
        "order a = by h, w",
        _HW + "order a = by h, w",
    ),
    "S201": Code(
        "an unknown name",
        "The name is no axis, extent, parameter, function or definition here. A similar known name is suggested.",
        _HW + "order a = snaek",
        _HW + "order a = snake",
    ),
    "S202": Code(
        "defined twice",
        "Two definitions, or two parameters of one, have the same name.",
        _HW + "order a = by h, w\norder a = by w, h",
        _HW + "order a = by h, w\norder b = by w, h",
    ),
    "S203": Code(
        "a name that is taken",
        "A definition, parameter or let would hide an axis or its extent (the axis in upper case).",
        _HW + "order h = by h, w",
        _HW + "order rows = by h, w",
    ),
    "S204": Code(
        "the wrong number of arguments",
        "A function, a helper or a coordinate substitution got too many or too few.",
        _HW + "order a = row(w)",
        _HW + "order a = row(w, h)",
    ),
    "S205": Code(
        "a wrong parameter",
        "Parameters in brackets are whole numbers known in advance; all without a default must be given.",
        _HW + "order a = window[k=h]",
        _HW + "order a = window[k=4]",
    ),
    "S206": Code(
        "the wrong kind",
        "Keys are numbers, orders are paths, scans merge paths, plans list scans; one stands where another is needed.",
        _HW + "scan a = sum(row, h)",
        _HW + "scan a = sum(row, column)",
    ),
    "S207": Code(
        "a definition that uses itself",
        "Definitions cannot be recursive, and use each other at most 40 levels deep.",
        _HW + "order a = b\norder b = a",
        _HW + "order a = b\norder b = by h, w",
    ),
    "S208": Code(
        "other axes",
        "A path over other axes is used; say which coordinates it runs over.",
        "grid t, h, w\norder a = row",
        "grid t, h, w\norder a = by t, row(h, w)",
    ),
    "S209": Code(
        "a misplaced ~",
        "~k runs a whole key backwards where the sum of the keys before it is odd; it cannot stand inside a key.",
        _HW + "order a = by h, 1 + ~w",
        _HW + "order a = by h, ~(1 + w)",
    ),
    "S210": Code(
        "an unknown extent",
        "An order that uses an extent such as W needs to know how many values its new coordinate takes.",
        _HW + "order f = by h, W - 1 - w\norder a = f(h, w * w)",
        _HW + "order f = by h, W - 1 - w\norder a = f(w, h)",
    ),
    "S211": Code(
        "a wrong option",
        "A key function has no such option, or its value is out of range.",
        _HW + "order a = by spiral_in(h, w, corner=7)",
        _HW + "order a = by spiral_in(h, w, corner=2)",
    ),
    "S212": Code(
        "a wrong grid line",
        "A grid has one to five different axes in lower case.",
        "grid H, W\norder a = by 1",
        _HW + "order a = by h, w",
    ),
    "S213": Code("too large", "A key has at most 4,096 terms, a scan 64 paths, a plan 1,024 layers."),
    "S214": Code(
        "no permutation",
        "An explicit list must name each of the patches 0 to L-1 exactly once.",
        _HW + "order a = by visit(0, 1, 1, 3)",
        _HW + "order a = by visit(0, 2, 1, 3)",
    ),
    "S215": Code(
        "tokens placed twice",
        "A token stands on a scan or on its paths, not on both, and once.",
        _HW + "scan a = sum((row with cls at start)) with cls at end",
        _HW + "scan a = sum(row) with cls at end",
    ),
    "S216": Code("a branch on a coordinate", "In Python, use scanlab.where(condition, a, b) in place of if."),
    "S217": Code(
        "a definition that depends on a broken one",
        "Another definition of the file has a mistake; it is shown, too. What does not depend on it can be used.",
    ),
}

_PROOFS = {
    "S300": Code(
        "a tie",
        "Two patches have equal keys, so nothing says which comes first. The smallest grid and patches are shown, "
        "and a key that tells them apart.",
        _HW + "order a = by h + w",
        _HW + "order a = by h + w, h",
    ),
    "S301": Code(
        "a patch left out",
        "Paths whose outputs are merged patch by patch must visit the same patches, and all of them.",
        _HW + "scan a = sum(row, (row where h > 0))",
        _HW + "scan a = scatter((row where h == 0), (row where h > 0))",
    ),
    "S302": Code(
        "a patch visited twice",
        "The paths of a scatter share the grid out; two of them visit the same patch.",
        _HW + "scan a = scatter((row where h < 3), (row where h >= 2))",
        _HW + "scan a = scatter((row where h < 3), (row where h >= 3))",
    ),
    "S303": Code(
        "not continuous",
        "`expect continuous` claims that every step goes to a neighbouring patch.",
        _HW + "order a = by h, w\n  expect continuous",
        _HW + "order a = by h, ~w\n  expect continuous",
    ),
    "S304": Code(
        "not the same",
        "`expect same as` claims that two definitions visit the same patches in the same sequence.",
        _HW + "order a = by w, h\n  expect same as row",
        _HW + "order a = by 2 * h, 3 * w\n  expect same as row",
    ),
    "S305": Code("no patch left", "A `where` keeps no patch of this grid; a path visits at least one."),
    "S306": Code(
        "division by zero",
        "A divisor is zero whatever the patch.",
        _HW + "order a = by h // 0, w",
        _HW + "order a = by h // 2, h, w",
    ),
    "S307": Code(
        "a patch not covered",
        "`expect covers` claims that every patch of the grid is visited.",
        _HW + "order a = by h, w where h > 0\n  expect covers",
        _HW + "order a = by h, w\n  expect covers",
    ),
    "S308": Code(
        "an undecided claim",
        "A claim must be proved: this one is beyond linear arithmetic, and no small grid refutes it.",
        _HW + "order a = by h * h * W * W + w * w\n  expect covers",
        _HW + "order a = by h + w, h\n  expect covers",
    ),
    "S309": Code(
        "not proved for all sizes",
        "A warning: the keys are beyond linear arithmetic. No small grid refutes them, and every grid that the order "
        "is used on is checked patch by patch.",
        _HW + "order a = by h * h * W * W + w * w",
        _HW + "order a = by h + w, h",
    ),
    "S310": Code(
        "two answers",
        "Every verdict of isl is tried by looking at every patch of some grids. Here the two disagree, so there is "
        "none: a mistake in ScanLab or in isl, to be reported.",
    ),
    "S311": Code(
        "lists that fit no grid",
        "An order with an explicit list fits the grids with as many patches. Lists of different lengths fit no grid "
        "together.",
        _HW + "scan a = sum((by visit(0, 1, 2, 3)), (by visit(0, 1)))",
        _HW + "scan a = sum((by visit(0, 1, 2, 3)), (by visit(3, 2, 1, 0)))",
    ),
}

_GRIDS = {
    "S400": Code(
        "a wrong grid",
        "A grid has one extent per axis, each a whole number of at least 1: 14x14, and in Python also (14, 14), an "
        "array of integers, or 14 for one axis.",
    ),
    "S401": Code("a grid that is too large", "Grids have at most 2^24 patches; graph orders at most 2^18."),
    "S402": Code("a key that is too large", "A key's value could leave 64-bit integers on this grid."),
    "S403": Code(
        "division by zero at a patch",
        "A divisor is zero at the patch shown.",
        _HW + "order a = by h // w, h, w",
        _HW + "order a = by h // 2, h, w",
    ),
    "S404": Code("a list for another grid", "An explicit list of indices fits only grids with as many patches."),
    "S405": Code("an unknown stage", "`scanlab compile --emit` prints the stages that its help lists."),
    "S406": Code("no such layer", "A plan made with layers(…) has exactly the layers it lists."),
    "S410": Code(
        "a wrong argument",
        "compile and prove take an order, scan or plan, its name or a line; parse takes a line and the names of axes, "
        "whose extents are compile's.",
    ),
    "S480": Code("no order to measure", "Locality is measured on paths that visit each patch once, inside the grid."),
    "S481": Code("a side for the peers", "The public Hilbert implementations order only squares of a power of two."),
}

_OUTPUT = {
    "S500": Code("a missing extra", 'Pictures need matplotlib and Pillow: pip install "scanlab[pictures]".'),
    "S501": Code("an unknown kind of picture", "Pictures end in .svg, .png, .gif, .mp4 or .html."),
    "S502": Code("a file that cannot be written", "It is a folder, its folder is missing, or it is not writable."),
    "S503": Code("nothing to draw", "Name at least one order, scan or plan."),
    "S504": Code("too many patches to draw", "The medium has a limit; a smaller grid or another medium helps."),
    "S505": Code("no film", "MP4 files are made by ffmpeg, which must be installed and know H.264 (libx264)."),
    "S510": Code("NiceGUI is missing", 'The explorer needs it: pip install "scanlab[explorer]".'),
    "S511": Code("an address that cannot be had", "Another program listens there, or it is not this machine's."),
    "S512": Code("a file outside the open folders", "The explorer reads and writes .scan files in their folders only."),
    "S513": Code("a file that changed on disk", "It is not what was opened; save over it, or open it again."),
    "S514": Code("a text that takes too long", "The explorer stops the compiler after some seconds."),
    "S515": Code("a failure of the compiler", "This is a mistake in ScanLab; the explorer's terminal has the details."),
}

_STUDIES = {
    "S600": Code("an unknown data set", "The message lists those that are there."),
    "S601": Code("wrong seeds", "A study needs different seeds of at least 0."),
    "S602": Code("a grid that does not fit", "The images, cut into patches, must give the grid of the strategies."),
    "S603": Code("a plan of another depth", "A plan made with layers(…) must list one scan per layer of the model."),
    "S604": Code("channels that cannot be split", "The channels must divide evenly over the parts of heads(…)."),
    "S605": Code("a wrong read-out", "Reading from the class token needs a scan `with cls at …`."),
    "S606": Code("a report that cannot be written", "The folder is not writable, or is a file."),
    "S607": Code("wrong strategies", "A study needs at least one strategy, each under its own name."),
    "S608": Code("a setting out of range", "The message says which, and what it must be."),
    "S609": Code("a missing extra", 'The HTML report needs jinja2: pip install "scanlab[reports]".'),
    "S610": Code("a wrong study file", "A study file is TOML with the settings that the message lists."),
    "S611": Code("a state dict that does not fit", "The note lists the differences; nothing was loaded."),
    "S612": Code("sizes that do not fit", "The message says which part of a model cannot be built."),
    "S613": Code("a grid that is not prepared", "Before torch.compile, call prepare(extents) of the backbone."),
    "S614": Code("an input that does not fit", "Axes, channels and the size of a patch must be those of the model."),
    "S615": Code("a next patch that would be seen", "All layers must follow one path, and see nothing ahead."),
    "S616": Code("a model without a form to save", "Files hold a Classifier, Segmenter or NextPatch."),
    "S617": Code("an unknown model or setting", "The message says which; scanlab.zoo.presets() lists all models."),
    "S618": Code("safetensors is missing", 'Checkpoints need it: pip install "scanlab[checkpoints]".'),
    "S630": Code("no model of that size", "Widths come in steps; the message gives the two nearest."),
    "S631": Code("nothing to match models in", "Models are matched in parameters or in flops."),
    "S634": Code("no such decay", "A state keeps a share from 0 to 1 of itself at every step, over at least 1 layer."),
    "S635": Code("a model without a receptive field", "It needs features with a grid, as a backbone gives."),
    "S636": Code("a receptive field that does not fit", "Fields of 1 to 3 axes are drawn; images must fit the model."),
    "S640": Code("a checkpoint with pickled code", "The message names its imports; safetensors hold data only."),
    "S641": Code("a file of tensors that cannot be used", "The message says why it cannot be read, or not be written."),
    "S642": Code("arrays that are no data set", "The message says what the .npz file holds, and what was expected."),
    "S643": Code("nothing to evaluate", "`scanlab eval` needs a classifier, with a class for every label, and images."),
    "S644": Code("files that are no data set", "The message says which file or folder, and what was expected there."),
    "S645": Code("data that need another library", "It is missing, or cannot give the data; the message says why."),
    "S646": Code("data to learn nothing from", "One class, no samples, NaN, mixed sizes; the message says which."),
    "S650": Code("an unknown task", "The message lists those that are there."),
    "S651": Code("no such change of the inputs", "Trained models are tested on rotated inputs, or on another size."),
    "S652": Code("a task that the data do not fit", "Segmentation needs a mask per image, classification a class."),
    "S653": Code("a checkpoint that cannot be written", "Make room; the same command goes on from what is finished."),
    "S654": Code("a study of another version", "The database is left as it is; give another folder."),
    "S655": Code("a file that is no study", "It is another database, no database, or damaged."),
    "S656": Code("a full disk", "Make room; the same command goes on from what is finished."),
    "S657": Code("a database that cannot be used", "It is missing, or its folder cannot be written to."),
    "S658": Code("strategies of unequal cost", "All must have the same parameters and FLOPs, or be allowed to differ."),
    "S659": Code("wrong usage", "An argument or option of a command is missing, unknown, or not of its kind."),
    "S660": Code("Ray is missing", 'Running on many machines needs it: pip install "scanlab[cluster]".'),
    "S661": Code("a cluster that cannot be used", "Nothing answers there, or no worker can start on its machines."),
    "S662": Code("a logger that is missing", "Each logger needs its library; the message says how to install it."),
    "S663": Code("a logger that cannot log", "Its server does not answer, or its folder cannot be written to."),
    "S664": Code(
        "processes that cannot train together", "Under torchrun, each needs a GPU of its own, or all the CPU."
    ),
    "S665": Code("pyarrow is missing", 'A study\'s Parquet files need it: pip install "scanlab[reports]".'),
    "S666": Code("Optuna is missing", 'Searching with its sampler needs it: pip install "scanlab[search]".'),
    "S667": Code("nothing to search", "The message says which setting leaves no order to try, and what to change."),
    "S668": Code("nothing found", "No candidate could be trained; the message says what became of them."),
    "S669": Code(
        "a token that can be guessed", "The explorer keeps others out by it; without one, each start draws its own."
    ),
    "S680": Code("looks that cannot be", "They are rising numbers of seeds; no more than the last may run."),
    "S681": Code("a file where a folder is needed", "Studies, searches, trainings and reports each fill a folder."),
    "S682": Code("two studies in one folder", "Runners of one study may share a folder; others need their own."),
    "S770": Code("parts that are not drawn anew", "The data came with them; pooled, they are thrown together first."),
    "S771": Code("learning rates that cannot be chosen from", "At least two different ones, and seeds of their own."),
    "S772": Code("learning rates without a choice", "Every training that they are chosen by must end well."),
    "S690": Code("a layout that means nothing", "The message lists the words that settle how such data are read."),
    "S691": Code(
        "data that can be read in two ways", "The message names both, and the word of `layout` that settles it."
    ),
    "S692": Code("masks that number no classes", "JPEG, smoothed edges, too many colours; the message says which."),
    "S693": Code("a mask that lies elsewhere", "The headers of a volume and its mask must put them in one place."),
    "S694": Code("a file of several frames", 'Say layout = "frames" to read them all, or "first_frame".'),
    "S695": Code(
        "a spacing that cannot be given", "Voxels have one in NIfTI files alone: millimetres along every axis."
    ),
}

_OPERATORS = {
    "S700": Code("a wrong shape", "The operator's arguments must have the shapes that its help lists."),
    "S701": Code("a wrong dtype", "Activations are of one floating dtype, or float32; A must be real."),
    "S702": Code("tensors on different devices", "All arguments, and the table of paths, must be on one device."),
    "S703": Code("values that are not finite", "A holds an infinity or a NaN, which no scan recovers from."),
    "S704": Code("paths that do not fit", "Number of rows, of samples and of parameter sets must match the paths."),
    "S705": Code("scattered channels", "The channels of a row must stand next to each other in memory."),
    "S706": Code("a wrong merge", "Merges are sum, mean, scatter, none, or weights per path and channel."),
    "S707": Code("last states of weighted paths", "Only paths that all count alike can return their last states."),
    "S708": Code("wrong indices", "Row indices must be whole numbers, within the rows of u."),
    "S709": Code("an unknown activation", "A convolution along paths ends in silu or in nothing."),
    "S710": Code("a wrong number of taps", "A convolution along paths has 2 to 8 taps."),
    "S711": Code("a wrong length of chunks", "The state space dual takes 16 to 128 steps at once."),
    "S712": Code(
        "a derivative that is not computed",
        'The kernels give first derivatives, backwards. backend="reference" gives second ones, and forward mode.',
    ),
    "S714": Code(
        "a graph of one call",
        "make_fx would record what is read of the paths in one call, and func.linearize records by it. torch.export "
        "does right.",
    ),
    "S713": Code("a table of paths that is not sound", "A table made or changed by hand leads outside the rows."),
}

_GENERATED = {
    "S730": Code("Triton is missing", "Compiling kernels for a GPU needs Triton (no GPU): pip install triton."),
    "S731": Code(
        "an unusable cache directory",
        "Generated code is kept in, and run from, a directory to which only the user can write; SCANLAB_CACHE_DIR "
        "names another one.",
    ),
    "S732": Code("a missing path function", "The cache was cleared, or another one is set; compile the scan again."),
    "S733": Code("a changed path function", "The content of a file does not have the hash in its name; it is not run."),
    "S734": Code("an unknown compilation target", "Kernels are compiled for sm_80, sm_90 and gfx942."),
    "S735": Code("a kernel that does not compile", "The note holds what the compiler said."),
    "S736": Code("no such kernel", "The message lists the kernels, and the dtypes that they take."),
}

_BACKENDS = {
    "S750": Code("an unknown backend", "The backends are reference, cpu and triton."),
    "S751": Code("a backend that cannot run", "It is not installed, or does not take these tensors."),
    "S752": Code("a limit that does not compile", "The file given to `scanlab bench kernels --limit` must be C++."),
    "S753": Code("no GPU to measure", "`--device cuda` measures the GPU, NVIDIA's or AMD's, that torch finds."),
    "S754": Code("an unknown device", "`scanlab bench kernels` measures cpu or cuda."),
    "S760": Code("a working folder that is gone", "Commands that compute need one that exists: `cd` to another."),
}

CODES: Mapping[str, Code] = MappingProxyType(
    _READING | _NAMES | _PROOFS | _GRIDS | _OUTPUT | _STUDIES | _OPERATORS | _GENERATED | _BACKENDS
)

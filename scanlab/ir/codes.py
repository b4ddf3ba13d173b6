"""Every error code: what it means, and, for errors of a text, an example that is wrong and one that is right.

``scanlab explain`` and docs/language.md print this table; a test checks each example and that no code is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from scanlab.ir.language_codes import LANGUAGE_CODES, Code

__all__ = ["CODES", "Code"]

_OUTPUT = {
    "S500": Code("a missing extra", 'Pictures need matplotlib and Pillow: pip install "scanlab[pictures]".'),
    "S501": Code("an unknown kind of picture", "Pictures end in .svg, .png, .gif, .mp4 or .html."),
    "S502": Code("a file that cannot be written", "It is a folder, its folder is missing, or it is not writable."),
    "S503": Code("nothing to draw", "Name at least one order, scan or plan."),
    "S504": Code("too many patches to draw", "The medium has a limit; a smaller grid or another medium helps."),
    "S505": Code("no film", "MP4 files are made by ffmpeg, which must be installed and know H.264 (libx264)."),
    "S506": Code("what cannot be drawn", "scanlab.draw takes paths on a grid, an image for two axes, and two colours."),
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
    "S616": Code("a model without a form to save", "Files hold a model with one of scanlab.nn's heads, or Features."),
    "S617": Code("an unknown model or setting", "The message says which; scanlab.zoo.presets() lists all models."),
    "S618": Code("safetensors is missing", 'Checkpoints need it: pip install "scanlab[checkpoints]".'),
    "S619": Code(
        "maps that a backbone does not have", "out_indices number its stages, or the blocks of its one stage."
    ),
    "S620": Code(
        "a folder that holds no model", "It needs config.json and model.safetensors, as save_pretrained writes."
    ),
    "S621": Code(
        "a hub that cannot be used", "A model there needs huggingface_hub and a network, and must be ScanLab's."
    ),
    "S622": Code("windows that do not fit", "A window has a side for each axis; an overlap is a share of it below 1."),
    "S623": Code(
        "a volume that the model does not read", "The message says what the model reads and what it was given."
    ),
    "S624": Code("nothing to count", "Name a model, or a file of one, and a grid or a size that it can read."),
    "S625": Code("surfaces that cannot be compared", "Both masks need one shape, and a spacing for each axis of it."),
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
    "S652": Code("a task that the data do not fit", "Segmentation needs a mask per image, detection boxes."),
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
    "S670": Code(
        "images of different widths", "What the message names needs images of one size, or of one height at least."
    ),
    "S671": Code("transcriptions that cannot be used", "The message says which is missing, empty or not readable."),
    "S672": Code("nothing to read or compare", "Scores are logarithms of probabilities, [steps, symbols + 1]."),
    "S673": Code(
        "a text longer than its line", "Every symbol needs a column of patches, a repeated one a blank before it."
    ),
    "S674": Code("lines that a reader does not fit", "It reads images of one height, over an alphabet of its own."),
    "S676": Code("a library of boxes is missing", 'Detection needs it: pip install "scanlab[detection]".'),
    "S677": Code("boxes that cannot be read", "The message says which file it is, and what was expected there."),
    "S679": Code("a detector that cannot be built", "It works on two axes, and knows at least one class."),
    "S680": Code("looks that cannot be", "They are rising numbers of seeds; no more than the last may run."),
    "S681": Code("a file where a folder is needed", "Studies, searches, trainings and reports each fill a folder."),
    "S682": Code("two studies in one folder", "Runners of one study may share a folder; others need their own."),
    "S683": Code(
        "a library of augmentations is missing", 'Recipes with them need it: pip install "scanlab[training]".'
    ),
    "S684": Code(
        "weights to start a training from do not fit", "Its backbone must have [model]'s sizes, over any order."
    ),
    "S685": Code(
        "numbers of training images that no problem can be learnt from", "They must rise, and that many must be there."
    ),
    "S770": Code("parts that are not drawn anew", "The data came with them; pooled, they are thrown together first."),
    "S771": Code("learning rates that cannot be chosen from", "At least two different ones, and seeds of their own."),
    "S772": Code("learning rates without a choice", "Every training that they are chosen by must end well."),
    "S690": Code("a layout that means nothing", "The message lists the words that settle how such data are read."),
    "S691": Code("data that can be read in two ways", "The message names both; the help says what settles it."),
    "S692": Code("masks that number no classes", "JPEG, smoothed edges, too many colours; the message says which."),
    "S693": Code("a mask that lies elsewhere", "The headers of a volume and its mask must put them in one place."),
    "S694": Code("a file of several frames", 'Say layout = "frames" to read them all, or "first_frame".'),
    "S696": Code("a class of boxes that is not known", "Every box has a class that its file lists, under one name."),
    "S697": Code("boxes of another picture", "An annotation gives another size than the picture has."),
    "S698": Code("boxes that cannot move", "Pixels that are shuffled leave nothing of a box."),
    "S699": Code("data of your own code that cannot be used", "The message says what it raised, or what it gave."),
    "S830": Code("data that cannot be read lazily", "Folders of pictures with classes can; others must fit in memory."),
    "S834": Code("windows that cannot be taken", "They are for NIfTI volumes with masks; the message says why."),
    "S835": Code("no room for unpacked volumes", "The variable SCANLAB_VOLUMES names the folder where they are."),
    "S836": Code("volumes larger than memory", "Read them in windows from disk, as in window = [64, 64, 64]."),
    "S840": Code("a sample that cannot be used", "Give images and targets of one form; the message says which is not."),
    "S842": Code("a sample that changes", "A number stands for one image: augmentations come after the data."),
    "S843": Code("samples without numbers", "Shuffling by seed and going on after a stop need any sample at any time."),
    "S844": Code("a shard that is cut short", "The message says which one: fetch or write it again."),
    "S845": Code("a shard of another layout", "Every sample is NAME.jpg with NAME.cls, or NAME.json with a key label."),
    "S846": Code("names of shards that lead nowhere", "Write train-{000000..000099}.tar, or give the folder."),
    "S847": Code("columns that hold no images with targets", "Types are Image, and ClassLabel or masks."),
    "S848": Code("a layer without a state to look into", "A mixer of the kind scan or ssd has one."),
    "S849": Code("no such layer, path or patch to look at", "Layers count from 0; a patch must be on the path."),
    "S833": Code("images that are not in memory", "What was asked for needs all pixels: load with lazy = false."),
    "S695": Code("a spacing that cannot be given", "Voxels of NIfTI files have one: millimetres along every axis."),
    "S850": Code("a model or task of your own that is not there", "The message says what is missing."),
    "S851": Code("code of your own that raised an error", "Its traceback is in the note."),
    "S852": Code("code of your own that gave something else", "The message says what it gave and what was expected."),
    "S853": Code("a control that a model of your own cannot have", "The message says which controls to leave out."),
    "S854": Code("code or data that live in one process", "Only what has an import path goes to other workers."),
    "S855": Code("paths that are no permutations", "Layers of your own take orders that visit every patch once."),
    "S860": Code("a training that diverged", "Its loss is no number; what was trained before that is kept."),
    "S868": Code("a folder of something else", "A gallery is written into a folder that is empty, new, or a gallery."),
    "S869": Code(
        "a gallery that is too large", "It may have 5 MB, so that it opens on a phone: choose fewer strategies."
    ),
    "S861": Code("no validation part", "Ending early and best weights take a part that no result is of."),
    "S870": Code("a model whose numbers are none", "Its weights, or what it says of an image, are NaN or infinite."),
    "S871": Code("an argument of another kind", "What was given is nothing that the call takes."),
}

_OPERATORS = {
    "S700": Code("a wrong shape", "The operator's arguments must have the shapes that its help lists."),
    "S701": Code("a wrong dtype", "Activations are of one floating dtype, or float32; A must be real."),
    "S702": Code("tensors on different devices", "All arguments, and the table of paths, must be on one device."),
    "S703": Code("values that are not finite", "A holds an infinity or a NaN, which no scan recovers from."),
    "S704": Code("paths that do not fit", "Number of rows, of samples and of parameter sets must match the paths."),
    "S705": Code("scattered channels", "The channels of a row must stand next to each other in memory."),
    "S706": Code("a wrong merge", "Merges are sum, mean, scatter, none, or weights per path and channel."),
    "S707": Code("states of weighted paths", "Only paths that all count alike take states and return them."),
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
    "S715": Code(
        "a state that nothing takes up",
        "A path that restarts, or begins with a virtual token, does not go on from the state that it is given.",
    ),
    "S716": Code(
        "a model that cannot go on from a state",
        "Some layer looks at patches that have not come yet, or has nothing that could be kept between calls.",
    ),
    "S717": Code(
        "what cannot be packed",
        "Grids share one call where each path goes through all of them, one after the other, on its own.",
    ),
    "S713": Code("a table of paths that is not sound", "A table made or changed by hand leads outside the rows."),
}

_PREDICTIONS = {
    "S720": Code("rows that cannot be streamed", "The scan does not go through the picture row by row; read it whole."),
    "S721": Code("frames without a next one", "It takes two frames or more, and patches of one frame each."),
    "S722": Code("rasterio is missing", 'GeoTIFF files need it: pip install "scanlab[satellite]".'),
    "S723": Code("bands that do not fit", "The model reads as many channels as it was trained on: name the bands."),
    "S724": Code("values of an unknown scale", "Give the divisor that the training data had."),
    "S725": Code("nothing to predict from", "The message says what is read, and what was given."),
    "S726": Code("a model that does not predict that", "The message says which models take such input."),
    "S727": Code("names that do not fit", "There must be one for each of the model's classes."),
    "S728": Code("frames that do not follow", "All frames of a stream have one size and the channels of the model."),
    "S729": Code("no place for what is predicted", "Say with --out where it is to be written; the message says how."),
    "S737": Code("ink of two kinds", "Text is darker than its paper or lighter, in all pictures: say which it is."),
    "S738": Code("no place on the earth", "Coordinates take a GeoTIFF with a reference system of a known code."),
}

_EXPORT = {
    "S780": Code("onnx or onnxruntime is missing", 'Exporting models needs them: pip install "scanlab[export]".'),
    "S781": Code(
        "an order that a file cannot hold",
        "A graph holds one table of steps for all samples, or a few that the groups of a video follow in turn.",
    ),
    "S782": Code(
        "a part without an ONNX form", "The message names it: an adapter, a hook, a layer or a head of another."
    ),
    "S783": Code(
        "a runtime without the operator",
        "The file says in its metadata (scanlab.needs) what it needs; --plain writes one that needs opset 21 alone.",
    ),
    "S784": Code("an ONNX file that cannot be written or read", "The message says why."),
    "S785": Code("no such form of an ONNX file", "Forms are onnxruntime, portable and plain."),
    "S786": Code("an exported model that computes something else", "Its outputs and torch's differ; please report it."),
    "S787": Code("a graph that onnx refuses", "This is a mistake in ScanLab; the note holds what onnx said."),
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
    dict(LANGUAGE_CODES) | _OUTPUT | _STUDIES | _OPERATORS | _PREDICTIONS | _EXPORT | _GENERATED | _BACKENDS
)

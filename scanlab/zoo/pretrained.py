"""Models in Hugging Face's form: a folder with config.json and model.safetensors, here or on its hub."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from torch import nn

import scanlab
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import reason_of
from scanlab.places import expand_home, write_whole
from scanlab.zoo.checkpoints import built_from, described, load
from scanlab.zoo.files import read_tensors, tensor_bytes
from scanlab.zoo.unwrap import plain_names

__all__ = ["from_pretrained", "pretrained_files", "push_to_hub", "read_model", "save_pretrained"]

# As transformers and PyTorchModelHubMixin call them.
CONFIG, WEIGHTS = "config.json", "model.safetensors"
# What names a repository of the hub, as in `scanlab data`.
HUB = "huggingface:"
_NEEDED = ("head", "sizes", "built", "layers", "axes", "name", "input_size", "channels", "options")


def save_pretrained(model: nn.Module, folder: str | Path) -> None:
    """Write a model as `scanlab.zoo.save` does, in a folder: config.json and model.safetensors.

    The weights hold the configuration as well, so that `scanlab.zoo.load` reads them alone. The folder is made where it
    is missing; what else it holds stays. Raises S502 for a folder that cannot be written, S616, S641.

    >>> from scanlab.nn import Backbone, BackboneConfig, Classifier
    >>> model = Classifier(Backbone("hilbert", BackboneConfig(dim=8), input_size=(8, 8)), classes=5)
    >>> save_pretrained(model, "small")
    >>> sorted(file.name for file in Path("small").iterdir())
    ['config.json', 'model.safetensors']
    """
    files, folder = pretrained_files(model), Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            write_whole(folder / name, content, mode=None)
    except OSError as error:
        raise ScanlabError.at(
            "S502", f"{folder} cannot be written: {reason_of(error)}", help="give another folder"
        ) from None


def read_model(place: Path) -> nn.Module:
    """The model in a file that `scanlab.zoo.save` wrote or in a folder of Hugging Face's form, in evaluation mode.

    >>> from scanlab.nn import Backbone, BackboneConfig, Classifier
    >>> save_pretrained(Classifier(Backbone("row", BackboneConfig(dim=8), input_size=(8, 8)), classes=5), "folder")
    >>> type(read_model(Path("folder"))).__name__, type(read_model(Path("folder/model.safetensors"))).__name__
    ('Classifier', 'Classifier')
    """
    return (from_pretrained(place) if place.is_dir() else load(place)).eval()


def pretrained_files(model: nn.Module) -> dict[str, bytes]:
    """The files that `save_pretrained` writes, by name: the weights first. Raises S616, and S618 where safetensors is
    not installed."""
    inner, about = described(model)
    table = {"library_name": "scanlab", "scanlab_version": scanlab.__version__, "architectures": [type(inner).__name__]}
    metadata = {"format": "pt", "scanlab": json.dumps(about)}
    return {
        WEIGHTS: tensor_bytes(plain_names(inner.state_dict()), metadata),
        CONFIG: f"{json.dumps(table | about, indent=2)}\n".encode(),
    }


def from_pretrained(
    name: str | Path,
    *,
    revision: str | None = None,
    cache_dir: str | Path | None = None,
    token: str | bool | None = None,
    force_download: bool = False,
    local_files_only: bool = False,
) -> nn.Module:
    """A model as `save_pretrained` wrote it, in evaluation mode.

    name: its folder; or "huggingface:OWNER/NAME", a repository of the hub, which needs huggingface_hub and, unless the
    files are in its cache, the network: nothing else goes there. The other arguments are those of
    huggingface_hub.hf_hub_download, and for the hub alone. What config.json says is built. Raises S620 for a folder
    that holds no model of ScanLab's, S621 for a repository that cannot be had, S611, S640, S641.

    >>> from scanlab.nn import Backbone, BackboneConfig, Classifier
    >>> save_pretrained(Classifier(Backbone("hilbert", BackboneConfig(dim=8), input_size=(8, 8)), classes=5), "small")
    >>> from_pretrained("small").num_classes
    5
    """
    if isinstance(name, str) and name.startswith(HUB):
        options = {"revision": revision, "cache_dir": cache_dir, "token": token}
        options |= {"force_download": force_download, "local_files_only": local_files_only}
        folder = _downloaded(name.removeprefix(HUB), options)
    else:
        folder = expand_home(str(name))
    about = _config(folder, str(name))
    tensors, _ = read_tensors(folder / WEIGHTS)
    return built_from(about, tensors, str(folder))


def push_to_hub(
    model: nn.Module, repo_id: str, *, private: bool = False, token: str | bool | None = None, commit_message: str = ""
) -> str:
    """Write a model as `save_pretrained` does into a repository of Hugging Face's hub, which is made where it is
    missing. Returns the address of the commit. Raises S621 where the hub refuses or cannot be reached, S616, S641.

    >>> push_to_hub(model, "me/vim-on-digits")  # doctest: +SKIP
    'https://huggingface.co/me/vim-on-digits/commit/…'
    """
    hub = _library()
    with TemporaryDirectory() as folder:
        save_pretrained(model, folder)
        try:
            api = hub.HfApi(token=token)
            api.create_repo(repo_id, private=private, exist_ok=True)
            message = commit_message or f"A model of ScanLab {scanlab.__version__}"
            done = api.upload_folder(repo_id=repo_id, folder_path=folder, commit_message=message)
        except Exception as error:  # The hub's library and what it stands on raise errors of many kinds.
            raise _unreachable(repo_id, error) from None
    return str(done.commit_url)


def _config(folder: Path, name: str) -> Mapping[str, Any]:
    """What config.json says of a model. Raises S620."""
    if not folder.is_dir():
        help = f'give a folder, or "{HUB}{name}" for a repository of the hub' if name.count("/") == 1 else ""
        raise ScanlabError.at("S620", f"there is no folder {name}", help=help or "give a folder")
    file = folder / CONFIG
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        help = "save_pretrained writes one; zoo.load reads a .safetensors file of ours alone"
        raise ScanlabError.at("S620", f"{file} cannot be read: {reason_of(error)}", help=help) from None
    missing = [key for key in _NEEDED if not isinstance(about, dict) or key not in about]
    if missing:
        raise ScanlabError.at(
            "S620", f"{file} is of no model of ScanLab's: it has no {', '.join(missing)}", help="see save_pretrained"
        )
    if not (folder / WEIGHTS).is_file():
        raise ScanlabError.at("S620", f"{folder} has no {WEIGHTS}", help="save the model again")
    return about


def _downloaded(repo_id: str, options: Mapping[str, Any]) -> Path:
    """The folder in the hub's cache that holds both files. Raises S621."""
    hub = _library()
    try:
        files = [
            Path(hub.hf_hub_download(repo_id, file, library_name="scanlab", **options)) for file in (CONFIG, WEIGHTS)
        ]
    except Exception as error:  # As above.
        raise _unreachable(repo_id, error) from None
    return files[0].parent


def _unreachable(repo_id: str, error: Exception) -> ScanlabError:
    reason = str(error).strip().partition("\n")[0]
    return ScanlabError.at(
        "S621", f"{repo_id} on the hub: {reason}", help="check its name, the network and your token (hf auth login)"
    )


def _library() -> ModuleType:
    try:
        import huggingface_hub
    except ImportError:
        help = 'pip install "scanlab[hub]"'
        raise ScanlabError.at("S621", "the hub needs huggingface_hub, which is not installed", help=help) from None
    return huggingface_hub

"""Pages of the site that are made, not written: the reference from docstrings, the command line from its options, and
files of the repository that pages link to. mkdocs calls the functions on_…; mkdocs.yml names this file.
"""

from __future__ import annotations

import ast
import posixpath
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
PACKAGES = ("scanlab", "scanlab.ops", "scanlab.nn", "scanlab.zoo", "scanlab.export", "scanlab.study", "scanlab.data")
LANGUAGES = {".py": "python", ".toml": "toml", ".scan": "scan"}
_LINK = re.compile(r"(\]\()([^)\s#]+)((?:#[^)\s]*)?\))")
_FENCE = re.compile(r"(```.*?```|`[^`\n]+`)", re.S)


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add what is made to what is written in docs/."""
    pages = dict(made_pages())
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    for report in sorted((ROOT / "examples" / "studies").glob("*/report.html")):
        files.append(File.generated(config, report.relative_to(ROOT).as_posix(), abs_src_path=str(report)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links to files of the repository at their pages here; what has no page is left, and fails the build."""
    folder = posixpath.dirname(page.file.src_uri)

    def moved(match: re.Match[str]) -> str:
        target = match[2]
        if "://" in target:
            return match[0]
        # Written pages lie in docs/, so a way out of it leads to the repository; made ones stand where their files do.
        inside = posixpath.normpath(posixpath.join("docs", folder, target))
        inside = inside.removeprefix("docs/")
        name = PAGE_OF.get(inside, inside)
        candidates = (name, f"{name}.md", f"{name}/README.md", f"{name}/index.md")
        place = next((c for c in candidates if files.get_file_from_path(c)), None)
        return f"{match[1]}{posixpath.relpath(place, folder or '.')}{match[3]}" if place else match[0]

    parts = _FENCE.split(markdown)
    return "".join(part if k % 2 else _LINK.sub(moved, part) for k, part in enumerate(parts))


def on_post_build(*, config: MkDocsConfig) -> None:
    """Keep the index of the search as a script, too: a page opened from a disk may load scripts, and no other files."""
    index = Path(config.site_dir) / "search" / "search_index.json"
    text = index.read_text(encoding="utf-8")
    index.with_suffix(".js").write_text(f"var __index = {text}", encoding="utf-8")


# The front page of the repository is the front page of the site in other words.
PAGE_OF = {"README.md": "index.md", ".": "index.md", "examples": "examples/index.md"}


def made_pages() -> Iterator[tuple[str, str]]:
    """Every page that is made, by its place in the site."""
    for package in PACKAGES:
        yield f"reference/{package}.md", reference(package)
    yield "reference/command-line.md", command_line()
    for name in ("CONTRIBUTING.md", "examples/studies/README.md"):
        yield name, (ROOT / name).read_text(encoding="utf-8")
    shown = [f for f in sorted((ROOT / "examples").iterdir()) if f.suffix in LANGUAGES]
    yield "examples/index.md", examples(shown)
    for file in [*shown, *sorted((ROOT / "examples" / "studies").glob("*/study.toml"))]:
        yield f"{file.relative_to(ROOT).as_posix()}.md", _shown(file)


def reference(package: str) -> str:
    """A page of a package: all that its `__all__` names, wherever that is defined."""
    folder = ROOT.joinpath(*package.split("."))
    names, doc = _exports(folder / "__init__.py")
    entries = [_entry(folder, package, name) for name in sorted(names, key=str.lower)]
    return "\n\n".join([f"# {package}", doc, *entries]) + "\n"


def _entry(folder: Path, package: str, name: str) -> str:
    """What mkdocstrings replaces by the documentation of a public name.

    Where a module of the package has the same name, the module would be shown: the name is then looked up where it is
    imported from, and keeps its own anchor.
    """
    if not (folder / f"{name}.py").is_file() and not (folder / name).is_dir():
        return f"::: {package}.{name}"
    tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    imports = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    source = next(n.module for n in imports if name in [a.name for a in n.names])
    return f'<span id="{package}.{name}"></span>\n\n::: {source}.{name}'


def _exports(file: Path) -> tuple[list[str], str]:
    """The names in a module's `__all__`, and its docstring; read, not imported."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    names: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            names = ast.literal_eval(node.value)
    return names, ast.get_docstring(tree) or ""


def examples(shown: list[Path]) -> str:
    """The page of all examples, with the sentence that each begins with."""
    rows = []
    for file in shown:
        text = file.read_text(encoding="utf-8")
        said = ast.get_docstring(ast.parse(text)) if file.suffix == ".py" else text.split("\n")[0].lstrip("# ")
        rows.append(f"| [{file.name}]({file.name}.md) | {said} |")
    rows.append("| [studies](studies/README.md) | Studies that were run for this repository, with their reports. |")
    return "\n".join(
        ["# Examples\n\nShort files that run as they stand, in the folder `examples`.\n\n| | |\n|---|---|", *rows]
    )


def _shown(file: Path) -> str:
    name = file.relative_to(ROOT).as_posix()
    text = file.read_text(encoding="utf-8").rstrip()
    return f"# {name}\n\n```{LANGUAGES[file.suffix]}\n{text}\n```\n"


def command_line() -> str:
    """All commands with their arguments and options, as `--help` prints them."""
    sys.path.insert(0, str(ROOT))
    import typer

    from scanlab.cli.app import app

    root: Any = typer.main.get_command(app)
    page = ["# The command line", root.help, "Exit codes: 0 done, 1 an error in the input, 2 wrong usage, 130 Ctrl-C."]
    for name, command in root.commands.items():
        page += _command(f"scanlab {name}", command, 2)
    return "\n\n".join(page) + "\n"


def _command(words: str, command: Any, level: int) -> list[str]:
    inner = getattr(command, "commands", {})
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
    named = " ".join(_argument(p) for p in arguments)
    usage = f"{words}{' COMMAND' if inner else ''}{f' {named}' if named else ''}{' [OPTIONS]' if options else ''}"
    page = [f"{'#' * level} {words}", f"```text\n{usage}\n```", command.help or ""]
    rows = [f"| `{p.name}` | {_help(p)} |" for p in arguments]
    rows += [f"| {_flags(p)} | {_help(p)} |" for p in options]
    if rows:
        page.append("\n".join(["| | |", "|---|---|", *rows]))
    for name, sub in inner.items():
        page += _command(f"{words} {name}", sub, level + 1)
    return page


def _argument(parameter: Any) -> str:
    name = parameter.name.upper() + ("…" if parameter.nargs == -1 else "")
    return name if parameter.required else f"[{name}]"


def _flags(parameter: Any) -> str:
    flags = ", ".join(f"`{o}`" for o in [*parameter.opts, *parameter.secondary_opts])
    return flags if parameter.is_flag else f"{flags} `{parameter.name.upper()}`"


def _help(parameter: Any) -> str:
    text = " ".join((parameter.help or "").split()).replace("|", "\\|").replace("*", "\\*").replace("[", "\\[")
    default = parameter.default
    shown = parameter.show_default and default not in (None, "", (), []) and not callable(default)
    if shown and not parameter.is_flag:
        text += f" Default: `{default}`."
    return text

"""The kernels compiled with a path function, for GPUs that need not be there: what they take, and their assembly."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field, replace

from scanlab.codegen.assembly import Report
from scanlab.codegen.listing import ASSEMBLIES, DTYPES
from scanlab.codegen.offline import TARGETS, answer_of, compiler_command, compiler_environment, refused
from scanlab.explorer.panes.controls import Choice
from scanlab.explorer.panes.pane import Option, Pane
from scanlab.explorer.renderers.listings import kernels_page, programs_of
from scanlab.explorer.renderers.markup import code, section
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["CompilerOptions", "KernelsPane", "compiled"]

# A line of the compiler's process holds a kernel's whole assembly.
LONGEST_LINE = 1 << 26
MOST_KEPT = 24
# Seconds without another change before the compiler starts.
QUIET = 0.6
STATES = ("16", "1", "4", "8", "32", "64")


@dataclass(frozen=True)
class CompilerOptions:
    """What is compiled: a path program, for a target, a state size and a dtype."""

    program: str
    target: str = "sm_90"
    states: str = "16"
    dtype: str = "bfloat16"


@dataclass(frozen=True)
class Compiled:
    """What is there so far of a compilation."""

    names: tuple[str, ...] = ()
    reports: tuple[Report, ...] = field(default=(), repr=False)

    @property
    def is_done(self) -> bool:
        """Whether all kernels are there."""
        return bool(self.names) and len(self.reports) == len(self.names)


# What was compiled last, for all pages; and one compiler at a time, which is all that a small machine can bear.
_kept: OrderedDict[CompilerOptions, Compiled] = OrderedDict()
_seat = asyncio.Semaphore(1)


async def compiled(options: CompilerOptions) -> AsyncGenerator[Compiled, None]:
    """The kernels as they are compiled one by one, from the memory of the server where they are there.

    Compilation runs in a process of its own, which ends with this generator. Names of programs are hashes of their
    content, so what is kept never grows old. Raises ScanlabError S730 to S735.
    """
    async with _seat if options not in _kept else contextlib.nullcontext():
        if options not in _kept:
            async with contextlib.aclosing(_compile(options)) as steps:
                async for compilation in steps:
                    yield compilation
            return
    _kept.move_to_end(options)
    yield _kept[options]


async def _compile(options: CompilerOptions) -> AsyncGenerator[Compiled, None]:
    compilation = Compiled()
    async with _process(options) as process:
        assert process.stdout is not None and process.stderr is not None, "both are pipes"
        words = asyncio.create_task(process.stderr.read())
        async for line in process.stdout:
            answer = answer_of(line.decode())
            if isinstance(answer, Report):
                compilation = replace(compilation, reports=(*compilation.reports, answer))
            else:
                compilation = replace(compilation, names=answer)
            if compilation.is_done:
                _keep(options, compilation)
            yield compilation
        if not compilation.is_done:
            raise refused(options.target, (await words).decode(errors="replace"))


def _keep(options: CompilerOptions, compilation: Compiled) -> None:
    _kept[options] = compilation
    while len(_kept) > MOST_KEPT:
        _kept.popitem(last=False)


@contextlib.asynccontextmanager
async def _process(options: CompilerOptions) -> AsyncIterator[asyncio.subprocess.Process]:
    command = compiler_command(options.program, options.target, states=int(options.states), dtype=options.dtype)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, stdout=pipe, stderr=pipe, env=compiler_environment(), limit=LONGEST_LINE, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


_USUAL = {"target": "sm_90", "states": "16", "dtype": "bfloat16", "kind": next(iter(ASSEMBLIES)), "kernel": ""}


class KernelsPane(Pane):
    """Registers, spills and instructions of every kernel, and the assembly of one of them."""

    doing = "Starting the compiler"

    def build_tools(self) -> None:
        """What is compiled, and what is shown of it."""
        self.target = Choice("for", TARGETS, self._again)
        self.target.offer(TARGETS, _USUAL["target"])
        self.states = Choice("states", STATES, self._again)
        self.dtype = Choice("dtype", DTYPES, self._again)
        self.dtype.offer(DTYPES, _USUAL["dtype"])
        self.kernel = Choice("kernel", (), self._other)
        self.kind = Choice("as", self._kinds(), self._other)
        self._kernel = ""
        self._compiled: dict[str, Compiled] = {}
        self._uses: dict[str, list[str]] = {}

    def options(self) -> dict[str, Option]:
        """See `Pane.options`."""
        chosen = {**{name: box.value for name, box in self._boxes().items()}, "kernel": self._kernel}
        return {name: value for name, value in chosen.items() if value != _USUAL[name]}

    def choose(self, options: Mapping[str, Option]) -> None:
        """See `Pane.choose`."""
        chosen = {**_USUAL, **{name: str(value) for name, value in options.items()}}
        self.target.offer(TARGETS, chosen["target"] if chosen["target"] in TARGETS else _USUAL["target"])
        self.states.offer(STATES, chosen["states"])
        self.dtype.offer(DTYPES, chosen["dtype"] if chosen["dtype"] in DTYPES else _USUAL["dtype"])
        self.kind.offer(self._kinds(), chosen["kind"])
        self._kernel = chosen["kernel"]

    def _boxes(self) -> dict[str, Choice]:
        return {"target": self.target, "states": self.states, "dtype": self.dtype, "kind": self.kind}

    async def refresh(self) -> None:
        """Compile what is shown, program by program, and show each kernel as soon as it is there."""
        turn, snapshot = self.begin()
        if snapshot is None:
            return
        outcome = await self.ask(programs_of, (snapshot,))
        if outcome is None or not self.is_current(turn):
            return
        if outcome.problems:
            self.show_problems(outcome.problems)
            return
        uses: dict[str, list[str]] = {}
        for scan, program in outcome.value:
            uses.setdefault(program, []).append(scan)
        self._uses, self._compiled = uses, dict.fromkeys(uses, Compiled())
        self.say(f"{self.doing} …", "working")
        try:
            await self.unless_overtaken(self._follow_all(list(uses)))
        except ScanlabError as error:
            if self.is_current(turn):
                self.show_problems(error.diagnostics)

    async def _follow_all(self, programs: list[str]) -> None:
        # Somebody who types does not want a compiler for every letter.
        await asyncio.sleep(QUIET)
        for program in programs:
            options = CompilerOptions(program, self.target.value, self.states.value, self.dtype.value)
            async with contextlib.aclosing(compiled(options)) as steps:
                async for compilation in steps:
                    self._compiled[program] = compilation
                    self._show()

    async def _again(self, _: str) -> None:
        self.kind.offer(self._kinds(), self.kind.value)
        await self.chosen()

    def _other(self, _: str) -> None:
        self._kernel = self.kernel.value
        self.on_options()
        self._show()

    def _kinds(self) -> list[str]:
        return [kind for kind, targets in ASSEMBLIES.items() if self.target.value in targets]

    def _show(self) -> None:
        """The tables as far as they are, and the chosen kernel's assembly."""
        ready = [r for c in self._compiled.values() for r in c.reports]
        names = dict.fromkeys(n for c in self._compiled.values() for n in c.names)
        if list(names) != self.kernel.options:
            self.kernel.offer(names, self._kernel or self.kernel.value)
        tables = "".join(
            kernels_page(program, self._uses[program], compilation.reports, compilation.names)
            for program, compilation in self._compiled.items()
            if compilation.names
        )
        shown = [(p, r) for p, c in self._compiled.items() for r in c.reports if r.kernel == self.kernel.value]
        listings = "".join(
            section(
                f"{r.kernel}, {self.kind.value}",
                code(r.assembly[self.kind.value].strip()),
                about=", ".join(self._uses[p]),
            )
            for p, r in shown
            if self.kind.value in r.assembly
        )
        self.page.set_content(tables + listings)
        self.box.props["data-of"] = self.version
        total = sum(len(c.names) for c in self._compiled.values())
        if all(c.is_done for c in self._compiled.values()):
            self.say("", "ready")
        else:
            self.say(f"Compiling for {self.target.value}: {len(ready)} of {total or '…'} kernels …", "working")

"""The work of writing a gallery, shared out among processes: one strategy at a time, in any order."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

from scanlab.cpus import available_cpus
from scanlab.explorer.static_site.content import content_of
from scanlab.explorer.static_site.strategies import Strategy
from scanlab.processes import context_with

__all__ = ["Packed", "packed", "packed_strategies"]

MOST_PROCESSES = 8


@dataclass(frozen=True)
class Packed:
    """A strategy as files hold it. script: JavaScript that gives its data to the page, deflated, since the HTML of its
    panes repeats itself; picture: SVG; mark, words: its verdict."""

    strategy: Strategy
    script: str
    picture: str
    mark: str
    words: str


def packed(strategy: Strategy) -> Packed:
    """All of a strategy. Raises ScanlabError where it has no path on the usual grid."""
    content = content_of(strategy)
    plain = json.dumps(content.data, separators=(",", ":")).encode()
    words = base64.b64encode(zlib.compress(plain, 9)).decode("ascii")
    script = f"scanlabTake({json.dumps(strategy.key)},{json.dumps(words)});\n"
    return Packed(strategy, script, content.picture, content.mark, content.words)


def packed_strategies(strategies: Sequence[Strategy]) -> Iterator[Packed]:
    """Pack strategies in as many processes as there are processors, each as soon as it is done."""
    count = min(available_cpus(), MOST_PROCESSES, len(strategies))
    if count < 2:
        yield from map(packed, strategies)
        return
    with ProcessPoolExecutor(count, context_with(__name__)) as pool:
        waiting = [pool.submit(packed, strategy) for strategy in strategies]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)

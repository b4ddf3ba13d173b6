"""The command line: thin commands over the facade. Exit codes: 0 done, 1 an error in the input, 2 wrong usage, and 130
stopped by Ctrl-C."""

from __future__ import annotations

import sys

__all__ = ["main", "process"]


def main() -> None:
    """Run the command line, printing every ScanlabError as it reads."""
    from scanlab.cli.streams import make_printable
    from scanlab.cpus import keep_threads_within

    make_printable()
    keep_threads_within()
    from scanlab.ir.diagnostics import ScanlabError

    try:
        from scanlab.cli.invocation import run

        run(sys.argv[1:])
    except ScanlabError as error:
        from scanlab.cli.output import print_error

        print_error(error)
        sys.exit(1)
    except BrokenPipeError:
        # The reader of a pipe has gone (as in `scanlab list | head`); there is nobody left to tell.
        sys.stderr.close()
        sys.exit(0)


def process() -> None:
    """`main`, as all that this process does: from the first to the last moment Ctrl-C ends it with 130."""
    from scanlab.cli.ending import end

    try:
        main()
    except SystemExit as stop:
        end(stop.code)
    except KeyboardInterrupt:
        end(130)
    end(0)

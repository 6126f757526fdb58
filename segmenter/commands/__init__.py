"""One file for each command: `add_arguments(parser)` describes its options, `run(...)` does it.

A command imports what it needs when it runs, so that `--help` and a mistyped option are answered at once. `options` has
what several commands share.
"""

"""The command line: ``nbtrain lab | train | resume | pause | stop | set | extend | branch | queue | show | …``.

Every command drives the same objects that panels and scripts use. Configuration values are given as
``--section.field VALUE``. Exit codes: 0 done, 1 the run failed, 2 the command was refused, 130 stopped by Ctrl-C.
These files know words and printing; they decide nothing about training. One file per group of commands.
"""

from nbtrain.cli.entry import main

__all__ = ["main"]

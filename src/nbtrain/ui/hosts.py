"""What differs between the places that show widgets: JupyterLab, Notebook, VS Code and Colab.

Knows how a host is recognised and what it wants said once; nothing of what is shown in it.
"""

from __future__ import annotations

import sys


def enable_widgets() -> bool:
    """Make the host draw widgets that it does not bring itself; return whether there was anything to switch on.

    Colab draws bqplot's charts only after its custom widget manager was switched on. The switch may be pressed again.
    """
    if "google.colab" not in sys.modules:  # Colab's kernel has it loaded before the first cell
        return False
    from google.colab import output  # type: ignore[import-not-found, import-untyped, unused-ignore]

    output.enable_custom_widget_manager()
    return True

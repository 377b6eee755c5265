"""Install every peer, and say which could not be: ``python -m bench.peers`` (``make bench-peers``)."""

from __future__ import annotations

from bench import peers, sides

if __name__ == "__main__":
    for tool, label in peers.TOOLS.items():
        reason = sides.absent(tool)
        named = ", ".join(f"{name} {version}" for name, version in peers.versions(tool).items())
        print(f"{label}: {reason or named or 'nothing to install'}", flush=True)

"""A Ray cluster of several nodes on this machine, for tests that take some of them away."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

TRIES = 3  # a node gives the processes that it starts fifteen seconds, which a busy machine may not have for them


class Nodes:
    """A cluster with ``count`` nodes of one CPU each; the first one is its head, with Ray's options ``more``."""

    def __init__(self, count: int, *, spare: int = 0, **more: Any) -> None:
        from ray.cluster_utils import Cluster

        logging.getLogger("ray").setLevel(logging.ERROR)
        self._args: dict[str, Any] = {
            "num_cpus": 1, "object_store_memory": 80 * 2**20, "include_log_monitor": False, "no_monitor": True,
        }  # fmt: skip
        for left in range(TRIES - 1, -1, -1):
            self.cluster = Cluster()
            try:
                self.head = self.add(include_dashboard=False, num_cpus=1 + spare, **more)
                self.others = [self.add() for _ in range(count - 1)]
                break
            except Exception:
                self.cluster.shutdown()
                if not left:
                    raise

    @property
    def address(self) -> str:
        """Where a session connects."""
        return str(self.cluster.address)

    def add(self, **more: Any) -> Any:
        """Start one more node."""
        return self.cluster.add_node(**{**self._args, **more})

    def remove(self, node: Any) -> None:
        """End a node as a power cut would."""
        self.cluster.remove_node(node, allow_graceful=False)

    def end(self) -> None:
        """End all nodes."""
        self.cluster.shutdown()


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended, and that nobody has asked about yet, does not."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False

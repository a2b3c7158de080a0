"""To a cluster and away from it: one that runs already, or one of this process alone."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, ImagegenError, MissingDependency

if TYPE_CHECKING:
    from collections.abc import Callable

NAMESPACE = "imagegen-kit"
DIED = "A worker died or was killed"  # Ray prints it, with addresses, into the cell; the engine tells it by itself
FULL = (
    "the cluster's object store is full, and its disk takes no more. `ray memory` on a node says who holds what: "
    "free it, or give the store more room"
)
GONE = (
    "the Ray cluster of this engine is gone: ray.shutdown() was called, or its head ended. Close the engine, make "
    "another one, and go on with exp.run(engine=…) or run.retry_failed()"
)
KNOCK_S = 5.0
STARTS = 2  # a busy machine may not start Ray's processes in the time that Ray gives them; now they lie in memory


def ray() -> Any:
    """Import Ray. Raises MissingDependency with the command that installs it."""
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", DIED)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # Ray warns of what it will do one day
    try:
        import ray as found
    except ImportError as error:
        raise MissingDependency("an engine on Ray", "ray", "pip install 'imagegen-kit[ray]'") from error
    return found


def connect(address: str | None, cpus: int) -> Callable[[], None]:
    """Connect this process with the cluster at ``address`` and return what ends that.

    A session that is connected already stays so. None starts a cluster of this machine, said to have so many CPUs, that
    ends with the connection. Raises ImagegenError where nobody answers, or nothing can be started.
    """
    found = ray()
    if found.is_initialized():
        _stay(found, address)
        return lambda: None
    if address is not None:
        _knock(address)
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "namespace": NAMESPACE}
    tries = STARTS if address is None else 1
    for left in range(tries - 1, -1, -1):
        try:
            if address is None:
                found.init(address="local", num_cpus=cpus, include_dashboard=False, **quiet)
            else:
                found.init(address=address, **quiet)
            break
        except ImportError as error:  # of what only the client needs
            raise MissingDependency(f"the address {address}", "grpcio", "pip install 'ray[client]'") from error
        except (ConnectionError, RuntimeError, ValueError, TimeoutError, OSError) as error:
            raise ImagegenError(_why(address, error)) from error
        except Exception as error:
            if type(error) is not Exception:  # what Ray raises where a process of its own does not start in time
                raise
            if not left:
                raise ImagegenError(_why(address, error)) from error
    _hear_sigterm()
    end: Callable[[], None] = found.shutdown
    return end


def _hear_sigterm() -> None:
    """Have SIGTERM heard by Python alone: Ray's own handler prints frames, and aborts whoever needs 3 s to finish."""
    handler = signal.getsignal(signal.SIGTERM)
    if callable(handler) and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)


def _stay(found: Any, address: str | None) -> None:
    """Raise ImagegenError where a session that is connected is asked to be so with another cluster."""
    there = str(found.get_runtime_context().gcs_address)
    if address not in (None, "auto", "local", there) and not str(address).startswith("ray://"):
        what = f"this session is connected with the Ray cluster at {there}, and cannot be with {address!r} as well."
        raise ImagegenError(f"{what} Close the engine that is open, or call ray.shutdown(), first.")


def connected() -> bool:
    """Whether this process is connected with a cluster already."""
    found: bool = ray().is_initialized()
    return found


def free_cpus() -> float:
    """Return how many CPUs of the cluster nobody holds."""
    return float(ray().available_resources().get("CPU", 0))


def _knock(address: str) -> None:
    """Raise ImagegenError where nobody listens at ``host:port``: Ray would try for minutes, and end the process."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return  # "auto", and whatever else Ray may know
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK_S).close()
    except (OSError, OverflowError) as error:
        raise ImagegenError(_why(address, error)) from error


def _why(address: str | None, error: BaseException) -> str:
    words = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if address is None:
        return f"no Ray cluster could be started on this machine: {words.rstrip('.')}. Try again when it is less busy."
    mend = "Start one with `ray start --head`, or leave the address out."
    return f"no Ray cluster answers at {address!r}: {words.rstrip('.')}. {mend}"


def cluster_cpus() -> int:
    """Return how many CPUs the nodes of the cluster have together, 1 at least."""
    return max(1, int(ray().cluster_resources().get("CPU", 1)))


def check_room(where: str, num_cpus: float, num_gpus: float) -> list[Fault]:
    """Return a fault where no node of the cluster has so many CPUs and GPUs, now."""
    nodes = [node["Resources"] for node in ray().nodes() if node["Alive"]]
    if any(n.get("CPU", 0) >= num_cpus and n.get("GPU", 0) >= num_gpus for n in nodes):
        return []
    most = max((n.get("GPU", 0) for n in nodes), default=0)
    what = f"no node of the cluster has {num_cpus:g} CPUs and {num_gpus:g} GPUs; the most GPUs of one are {most:g}."
    return [Fault(where, what, "Ask for less, or add a node.")]


def hire(worker: type, options: dict[str, Any], *args: Any) -> Any:
    """Start ``worker`` as an actor with Ray's ``options``; it is never restarted, and no call of it is repeated.

    Raises ImagegenError where this process is connected with no cluster: Ray would start one by itself.
    """
    if not connected():
        raise ImagegenError(GONE)
    once = {"max_restarts": 0, "max_task_retries": 0, "max_concurrency": 1000, "scheduling_strategy": "SPREAD"}
    return ray().remote(worker).options(**once, **options).remote(*args)


def dismiss(actor: Any) -> None:
    """End an actor, whatever it does."""
    if actor is not None and ray().is_initialized():
        with contextlib.suppress(Exception):  # it is dead already, or the cluster is
            ray().kill(actor)


def is_full(error: BaseException) -> bool:
    """Whether Ray says that nothing more goes into its object store, neither into memory nor onto the disk."""
    exceptions = ray().exceptions
    return isinstance(error, (exceptions.ObjectStoreFullError, exceptions.OutOfDiskError))

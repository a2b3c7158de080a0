"""What every provider passes, built in or not."""

from __future__ import annotations

from imagegen_kit.testing.contracts.description import Described
from imagegen_kit.testing.contracts.drawing import Draws
from imagegen_kit.testing.contracts.failing import Fails
from imagegen_kit.testing.contracts.holding import Yields
from imagegen_kit.testing.contracts.honesty import Honest
from imagegen_kit.testing.contracts.jobs import Jobs
from imagegen_kit.testing.contracts.keeping import Keeps
from imagegen_kit.testing.contracts.living import Lives
from imagegen_kit.testing.contracts.other_kinds import Answers
from imagegen_kit.testing.contracts.secrecy import Secret


class ProviderContract(Described, Draws, Honest, Fails, Jobs, Lives, Yields, Secret, Keeps, Answers):
    """The whole contract of a provider. Subclass it in a test file and say which provider it is.

    ``provider`` names an installed one; or write a fixture ``spec`` that returns a ``ProviderSpec``. A provider that
    calls a service needs a fixture ``simulator`` as well, which yields a running ``Simulator`` of it.

    The rest is optional. ``models`` limits the checks to some models (by their names), ``options`` gives values to
    options that have no ``choices``, ``settings`` the variables of ``settings_env``, ``size`` what is asked where a
    check does not care (a small one makes local models quicker), ``faults`` the modes of the simulator that are tried.
    ``deterministic = False`` is for local models that cannot repeat a picture, ``module`` the module of the entry point
    where it is not the first part of ``target``.
    """

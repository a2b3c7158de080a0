"""A script that votes on all pairs that are open and says each one that is stored; tests kill it, or start two."""

from __future__ import annotations

import sys
from itertools import cycle

import imagegen_kit as ik
from imagegen_kit.experiments.voting import CHOICES, Ballot

if __name__ == "__main__":
    ballot = Ballot(ik.open_run("ballots"), rater=sys.argv[1])
    print("ready", flush=True)
    choices = cycle(CHOICES)
    while left := ballot.open():
        choice = next(choices)
        if ballot.choose(left[0], choice, 700):
            print(left[0].key, choice, sep="\t", flush=True)

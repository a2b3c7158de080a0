"""A script that judges a run of the store here; a test kills it in the middle."""

from __future__ import annotations

import sys

import imagegen_kit as ik

if __name__ == "__main__":
    ik.open_run("textures").judge(sys.argv[1], progress=False, policy=ik.Policy(concurrency=2))
    print("ended", flush=True)

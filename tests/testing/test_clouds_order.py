"""Simulated clouds that are stopped out of order, or forgotten, leave nothing behind."""

from __future__ import annotations

import gc

from imagegen_kit.settings import endpoint
from imagegen_kit.testing import simulated_clouds


def address(provider: str = "openai") -> str | None:
    there = endpoint(provider)
    return there.base_url if there else None


def test_stopped_in_any_order_nothing_is_left():
    first, second = simulated_clouds(only="openai"), simulated_clouds(only="openai")
    first.start()
    second.start()
    first.stop()
    assert address() == second.openai.base_url
    second.stop()
    assert address() is None


def test_leaving_a_block_leaves_what_was_started_inside_it():
    inner = simulated_clouds(only="openai")
    with simulated_clouds(only="openai"):
        inner.start()
    assert address() == inner.openai.base_url
    inner.stop()
    assert address() is None


def test_a_cell_that_runs_again_stops_the_simulators_that_it_made_before():
    clouds = simulated_clouds(only="openai")
    clouds.start()
    before = address()
    clouds = simulated_clouds(only="openai")
    clouds.start()
    gc.collect()
    assert address() != before
    clouds.stop()
    assert address() is None

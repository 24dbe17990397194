"""One small and one whole world for all tests of the simulator."""

import pytest

from demo.world import World, simulate


@pytest.fixture(scope="session")
def world() -> World:
    return simulate(7)


@pytest.fixture(scope="session")
def village() -> World:
    """The first 60 people of the same world."""
    return simulate(7, people=60)

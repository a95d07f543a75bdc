"""How long a hammer runs and with which seed, both to be had from the environment.

MANTIS_STRESS_SECONDS stretches tests with the marker `stress` (`scripts/dev stress` sets it);
MANTIS_SEED repeats a run that failed.
"""

import os
import random


def stress_seconds(default: float) -> float:
    return float(os.environ.get("MANTIS_STRESS_SECONDS", default))


def test_seed() -> int:
    """Printed, so that pytest shows it with a failure."""
    seed = int(os.environ.get("MANTIS_SEED", random.randrange(2**32)))
    print(f"MANTIS_SEED={seed}")
    return seed


test_seed.__test__ = False  # pytest takes it for a test where it is imported

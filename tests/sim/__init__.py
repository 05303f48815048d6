"""The seeded simulator of the send protocol: `simulate(seed)` runs one seed and reports what it saw."""

from tests.sim.run import Report as Report
from tests.sim.run import simulate as simulate

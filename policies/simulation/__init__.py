"""What a policy would do: the engine's own decisions, walked ahead on made-up facts. Nothing is stored and nobody is told."""

from policies.simulation.comparing import Pair, compared
from policies.simulation.gathering import Question, simulate
from policies.simulation.routed import Routed, simulate_route
from policies.simulation.serving import Served, served, served_by
from policies.simulation.walk import Act, Deed, Passed, Simulation, Step, StepKind, Told

__all__ = [
    "Act",
    "Deed",
    "Pair",
    "Passed",
    "Question",
    "Routed",
    "Served",
    "Simulation",
    "Step",
    "StepKind",
    "Told",
    "compared",
    "served",
    "served_by",
    "simulate",
    "simulate_route",
]

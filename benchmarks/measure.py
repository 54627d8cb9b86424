"""Timing that survives a noisy machine: floor, ours and peers take turns, and shares are of the same turn."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

Work = Callable[[], object]


@dataclass
class Case:
    """One line of the table: a floor, our way and the peers' ways of the same work, ``count`` items each.

    ``count`` may differ for a slow peer: ``peer_counts`` says how many items its run does.
    """

    name: str
    count: int
    floor: Work
    ours: Work
    goal: float | None
    floor_is: str
    peers: dict[str, Work] = field(default_factory=dict)
    peer_counts: dict[str, int] = field(default_factory=dict)


@dataclass
class Result:
    """Microseconds an item (medians over the rounds), and the median share of the floor round by round."""

    name: str
    floor_is: str
    goal: float | None
    floor: float
    ours: float
    share: float
    best_share: float
    peers: dict[str, float]


def seconds(work: Work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def run(case: Case, rounds: int) -> Result:
    """Measure a case: in each round the floor, ours, the floor again; peers once in every round."""
    case.floor()
    case.ours()
    gc.collect()
    gc.freeze()  # the peers' modules stay out of the collector's rounds, or ours would pay for the size of theirs
    floors, ours, shares = [], [], []
    peers: dict[str, list[float]] = {name: [] for name in case.peers}
    for _ in range(rounds):
        before = seconds(case.floor)
        mine = seconds(case.ours)
        after = seconds(case.floor)
        floor = (before + after) / 2
        floors.append(floor)
        ours.append(mine)
        shares.append(floor / mine)
        for name, work in case.peers.items():
            peers[name].append(seconds(work) * case.count / case.peer_counts.get(name, case.count))
    scale = 1e6 / case.count
    return Result(
        name=case.name,
        floor_is=case.floor_is,
        goal=case.goal,
        floor=statistics.median(floors) * scale,
        ours=statistics.median(ours) * scale,
        share=statistics.median(shares),
        best_share=max(shares),
        peers={name: statistics.median(times) * scale for name, times in peers.items()},
    )

"""From what a user hands over to rosters, and from effects to conversations: what both faces of the pool share."""

from __future__ import annotations

import inspect
import random
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from .. import registry
from ..errors import InputError, MultiwalletError, Unreachable, shown
from ..exchange import RetryPolicy, redact
from ..intents import Network
from ..ops import Effect, Op, Outcome, Rest, Rpc, Sleep
from .breaker import Breaker, State, TokenBucket
from .broadcasts import broadcast
from .conversation import Conversation
from .member import Check, Member
from .policies import BreakerPolicy, LagPolicy, RateLimit, positive
from .questions import matters
from .quorum import agree
from .reads import read
from .roster import Roster, Settings

__all__ = ["EndpointHealth", "Endpoints", "Pool", "identity"]

Endpoints: TypeAlias = Mapping[Any, Any]
Conversations: TypeAlias = list[tuple[list[int], Conversation[list[Outcome]]]]

_USUAL_LAG: Final = LagPolicy()


def identity(network: Network) -> Op[None]:
    """The family's own check that an endpoint speaks for a network."""
    return registry.chain(network).identify(network)


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    """How one endpoint stands. ``latency`` is in seconds, ``errors`` a share from 0 to 1, both moving averages.

    ``hold`` is how many seconds a rate limit still holds it back; ``rest`` how many an open breaker does.
    """

    network: str
    endpoint: str
    put_out: bool
    breaker: State
    latency: float | None
    errors: float
    height: int | None
    hold: float
    rest: float


class Pool:
    """What is the same for threads and for tasks. The faces carry out the conversations that this one plans."""

    _asynchronous = False

    def __init__(
        self,
        endpoints: Endpoints,
        *,
        quorum: int = 1,
        quorum_reads: Mapping[str, Collection[str]] | None = None,
        hedge_after: float | str | None = None,
        broadcast_to: int | str = 1,
        limits: RateLimit | Mapping[str, RateLimit] | None = None,
        breaker: BreakerPolicy | None = None,
        lag: LagPolicy | None = _USUAL_LAG,
        prefer: Literal["listed", "fastest"] = "listed",
        policy: RetryPolicy | None = None,
        check: Check | None = identity,
        timeout: float = 20.0,
        client: Any = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Any] | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._prepare()
        self._rosters: dict[str, Roster] = {}
        self._given: list[Any] = []
        """The transports that the user made, each once. They are told to sleep, and never closed."""
        self._own: dict[str, Any] = {}
        """The transports that the pool made, by URL."""
        self._buckets: dict[Any, TokenBucket] = {}
        self._clock = clock
        self._sleep: Callable[[float], Any] = sleep or self._real_sleep()
        self._chance = chance
        self._breaker = breaker or BreakerPolicy()
        self._check = check
        self._timeout = positive("timeout", timeout)
        self._client = client
        hedge, share = _hedge(hedge_after)
        if prefer not in ("listed", "fastest"):
            raise InputError('prefer is "listed" or "fastest"')
        retry = policy or RetryPolicy()
        self._settings = Settings(
            quorum=_count("quorum", quorum),
            hedge_after=hedge,
            hedge_quantile=share,
            broadcast_to=None if broadcast_to == "all" else _count("broadcast_to", broadcast_to, ' or "all"'),
            retry=retry,
            lag=lag,
            prefer=prefer,
            quorum_reads=dict(quorum_reads or {}),
            clock=clock,
            chance=chance,
        )
        if not isinstance(endpoints, Mapping) or not endpoints:
            raise InputError('a pool is made of {network: [endpoint, ...]}, such as {"ethereum": ["https://...", ...]}')
        limit_of = self._limits(limits, endpoints)
        for name, given in endpoints.items():
            row = registry.network(name)
            if row.id in self._rosters:
                raise InputError(f"{row.name} is named twice: list all its endpoints under one name")
            members = self._members(row, _listed(given, row), limit_of)
            kinds = {member.service for member in members}
            most = max(sum(member.service in (None, kind) for member in members) for kind in kinds)
            if most < self._settings.quorum:
                raise InputError(
                    f"a quorum of {quorum} needs as many endpoints{' of one kind' if len(kinds) > 1 else ''}, and "
                    f"{row.name} has {most}: give more, or lower the quorum"
                )
            self._rosters[row.id] = Roster(row, members, self._settings)

    def _members(
        self, row: Network, given: Sequence[Any], limit_of: Callable[[Network, Any], RateLimit | None]
    ) -> list[Member]:
        members: list[Member] = []
        names: dict[str, int] = {}
        for position, endpoint in enumerate(given):
            service: str | None = None
            if isinstance(endpoint, str):
                kind, url = _kind(endpoint, row)
                service, host = kind, redact(url)
                transport = self._own.get(endpoint)
                if transport is None:
                    transport = self._own[endpoint] = self._connect(endpoint)
            else:
                transport, host = endpoint, f"{type(endpoint).__name__}"
                self._check_transport(endpoint)
                if not any(known is endpoint for known in self._given):
                    self._given.append(endpoint)
            names[host] = names.get(host, 0) + 1
            if names[host] > 1:  # two keys of one provider are two endpoints, and nothing else may tell them apart
                host = f"{host} ({names[host]})"
            members.append(
                Member(
                    row,
                    position,
                    transport,
                    host,
                    service=service,
                    check=self._check,
                    breaker=Breaker(self._breaker, self._clock, self._chance),
                    bucket=self._bucket(endpoint, limit_of(row, endpoint)),
                    clock=self._clock,
                )
            )
        return members

    def _limits(
        self, limits: RateLimit | Mapping[str, RateLimit] | None, endpoints: Endpoints
    ) -> Callable[[Network, Any], RateLimit | None]:
        """Which limit holds for an endpoint: its own, its network's, or the one for all."""
        if limits is None or isinstance(limits, RateLimit):
            return lambda row, endpoint: limits
        if not isinstance(limits, Mapping) or not all(isinstance(limit, RateLimit) for limit in limits.values()):
            raise InputError("limits are a RateLimit, or a mapping of networks or endpoint URLs to RateLimits")
        urls = {part for given in endpoints.values() for part in _each(given) if isinstance(part, str)}
        by_network: dict[str, RateLimit] = {}
        for name, limit in limits.items():
            if name in urls:
                continue
            if isinstance(name, str) and "://" in name:
                raise InputError(f"limits names {redact(name.rpartition('+')[2])}, which is no endpoint of this pool")
            by_network[registry.network(name).id] = limit

        def limit_of(row: Network, endpoint: Any) -> RateLimit | None:
            own = limits.get(endpoint) if isinstance(endpoint, str) else None
            return own or by_network.get(row.id)

        return limit_of

    def _bucket(self, endpoint: Any, limit: RateLimit | None) -> TokenBucket | None:
        if limit is None:
            return None
        # One endpoint that serves several networks has one quota.
        key = (endpoint if isinstance(endpoint, str) else id(endpoint), limit)
        if key not in self._buckets:
            self._buckets[key] = TokenBucket(limit, self._clock)
        return self._buckets[key]

    def _prepare(self) -> None:
        """Make what the face needs for itself."""

    def _real_sleep(self) -> Callable[[float], Any]:
        raise NotImplementedError  # the two faces say how they wait

    def _connect(self, endpoint: str) -> Any:
        raise NotImplementedError  # the two faces say which transport carries HTTP

    def _check_transport(self, transport: Any) -> None:
        perform = getattr(transport, "perform", None)
        if not callable(perform):
            raise InputError(
                f"an endpoint is a URL or a transport with perform(effects), not {type(transport).__name__}"
            )
        if inspect.iscoroutinefunction(perform) and not self._asynchronous:
            raise InputError(f"{type(transport).__name__} is asynchronous: use it in an AsyncEndpointPool")

    def _single(self) -> RetryPolicy:
        """How the HTTP transport of one endpoint behaves: one attempt, since the pool does the rest."""
        return RetryPolicy(attempts=1, batch=self._settings.retry.batch)

    def _plan(self, effects: Sequence[Effect]) -> Conversations:
        """Group a round's effects into conversations: broadcasts each alone, reads by network, kind and weight."""
        groups: dict[tuple[Any, ...], list[int]] = {}
        for position, effect in enumerate(effects):
            if isinstance(effect, Sleep):
                continue
            if not isinstance(effect, Rpc | Rest):
                raise TypeError(f"a transport performs Rpc, Rest and Sleep, not {type(effect).__name__}")
            roster = self._rosters.get(effect.network)
            if effect.broadcast:
                key: tuple[Any, ...] = (effect.network, effect.service, "broadcast", position)
            else:
                heavy = (
                    roster is not None
                    and self._settings.quorum > 1
                    and matters(roster.network.family, effect, self._settings.quorum_reads)
                )
                key = (effect.network, effect.service, "quorum" if heavy else "read")
            groups.setdefault(key, []).append(position)
        planned: Conversations = []
        for (network, service, what, *_), positions in groups.items():
            chosen = [effects[position] for position in positions]
            roster = self._rosters.get(network)
            if roster is None:
                planned.append((positions, _nobody(network, len(chosen))))
            elif what == "broadcast":
                planned.append((positions, broadcast(roster, service, chosen[0])))
            else:
                planned.append((positions, (agree if what == "quorum" else read)(roster, service, chosen)))
        return planned

    def health(self) -> list[EndpointHealth]:
        """How every endpoint stands, in the order they were given."""
        return [
            EndpointHealth(
                network=roster.network.id,
                endpoint=member.host,
                put_out=member.foreign,
                breaker=member.breaker.state,
                latency=member.health.latency,
                errors=member.health.errors,
                height=member.health.height,
                hold=member.hold,
                rest=member.breaker.rest,
            )
            for roster in self._rosters.values()
            for member in roster.members
        ]

    def __repr__(self) -> str:
        counted = ", ".join(f"{roster.network.name}: {len(roster.members)}" for roster in self._rosters.values())
        return f"<{type(self).__name__} {counted}>"


def _nobody(network: str, count: int) -> Conversation[list[Outcome]]:
    error: MultiwalletError = Unreachable(f"the pool has no endpoint for {network}: add it to the pool's endpoints")
    return [error] * count
    yield  # makes this a generator


def _each(given: Any) -> Iterable[Any]:
    return given if isinstance(given, list | tuple) else (given,)


def _listed(given: Any, row: Network) -> Sequence[Any]:
    endpoints = list(_each(given))
    if not endpoints:
        raise InputError(f"{row.name} has an empty list of endpoints")
    urls = [endpoint for endpoint in endpoints if isinstance(endpoint, str)]
    if len(set(urls)) < len(urls):
        raise InputError(f"an endpoint of {row.name} is listed twice: one endpoint cannot confirm itself")
    objects = [id(endpoint) for endpoint in endpoints if not isinstance(endpoint, str)]
    if len(set(objects)) < len(objects):
        raise InputError(f"a transport of {row.name} is listed twice: one endpoint cannot confirm itself")
    return endpoints


def _kind(endpoint: str, row: Network) -> tuple[str, str]:
    kind, plus, url = endpoint.partition("+")
    if not plus or "/" in kind or ":" in kind:
        kind, url = "", endpoint
    if not url.startswith(("http://", "https://")):
        raise InputError(f"an endpoint of {row.name} does not start with http:// or https://")
    if redact(url) == "an endpoint":
        raise InputError(f"an endpoint of {row.name} is no URL such as https://host:port/path")
    return kind, url


def _hedge(after: float | str | None) -> tuple[float | None, float | None]:
    if after is None:
        return None, None
    if isinstance(after, str):
        share = after.removeprefix("p")
        if after[:1] != "p" or not (share.isascii() and share.isdigit()) or not 1 <= int(share[:3]) <= 99:
            raise InputError(f'hedge_after is a number of seconds or a quantile such as "p95", not {shown(after)}')
        return None, int(share) / 100
    return positive("hedge_after", after), None


def _count(what: str, value: object, more: str = "") -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"{what} is a whole number of 1 or more{more}")
    return value

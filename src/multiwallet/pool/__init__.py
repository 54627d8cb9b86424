"""Endpoint pools: one transport out of several endpoints, none of which is trusted alone.

:class:`EndpointPool` and :class:`AsyncEndpointPool` are transports of transports. What they decide is in pure rooms:
``reads``, ``quorum`` and ``broadcasts`` hold one conversation each, ``roster`` the choice among endpoints, ``breaker``
the arithmetic of waiting; ``faces`` carries it out. docs/endpoints.md tells what each knob is for.

>>> pool = EndpointPool({"ethereum": ["https://one.example", "https://two.example"]}, quorum=2, hedge_after=0.5)
>>> pool
<EndpointPool ethereum: 2>
"""

from .assembly import EndpointHealth
from .faces import AsyncEndpointPool, EndpointPool
from .policies import BreakerPolicy, LagPolicy, RateLimit

__all__ = ["AsyncEndpointPool", "BreakerPolicy", "EndpointHealth", "EndpointPool", "LagPolicy", "RateLimit"]

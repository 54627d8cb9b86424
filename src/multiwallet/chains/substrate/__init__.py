"""Polkadot, Kusama and other chains built with Substrate."""

from __future__ import annotations

from .adapter import Substrate

__all__ = ["Substrate"]

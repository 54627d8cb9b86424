"""The fault harness: sender processes that are killed, nodes that misbehave, and a chain that is read back.

Run it with ``python -m chaos --family ethereum --sends 1000 --kills 50``; see ``docs/reliability.md``.
"""

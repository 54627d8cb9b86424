"""What the library adds to the bare native call, measured beside the peers. Run ``python -m benchmarks``."""

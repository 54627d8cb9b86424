"""``python -m payments_backend``: the workers, as many as PAYMENTS_WORKERS says, kept alive by uvicorn."""

from __future__ import annotations

import os

import uvicorn


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    uvicorn.run(
        "payments_backend.app:create_app",
        factory=True,
        host=os.environ.get("PAYMENTS_HOST", "127.0.0.1"),
        port=int(os.environ.get("PAYMENTS_PORT", "8000")),
        workers=int(os.environ.get("PAYMENTS_WORKERS", "2")),
        timeout_graceful_shutdown=20,
    )


if __name__ == "__main__":
    main()

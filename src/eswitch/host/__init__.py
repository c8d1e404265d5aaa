"""The one door to the host. Nothing outside this package imports subprocess, os or pathlib."""

from .door import Host, Result

__all__ = ["Host", "Result"]

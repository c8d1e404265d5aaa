"""The running kernel: its release, and the options that decide about offload (facts 8.1)."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from eswitch.errors import HostError, NotFound
from eswitch.host import Host
from eswitch.model.drivers import PROFILES
from eswitch.model.observed import KernelState
from eswitch.model.unknown import Unknown

OPTIONS = frozenset(
    {option for profile in PROFILES for option in profile.offload_options}
    # Without these mlx5 offloads no connection tracking, and from 6.12 on no flow at all.
    | {"NET_TC_SKB_EXT", "MLX5_TC_CT"}
)
_LARGEST = 8 << 20
"""Bytes; a distribution's configuration has about 300 kB."""


def read_kernel(host: Host) -> KernelState:
    """Read the release and the configuration that was installed, or compiled in, with it."""
    release = host.read("/proc/sys/kernel/osrelease").strip()
    reasons = []
    for path in (f"/boot/config-{release}", "/proc/config.gz"):
        try:
            return KernelState(release, parse_options(_text(host, path), OPTIONS))
        except NotFound:
            reasons.append(f"{path} does not exist")
        except HostError as refusal:
            reasons.append(refusal.message)
    return KernelState(release, Unknown("; ".join(reasons)))


def _text(host: Host, path: str) -> str:
    data = host.read_bytes(path, _LARGEST)
    if path.endswith(".gz"):
        try:
            data = zlib.decompressobj(wbits=31).decompress(data, _LARGEST)
        except zlib.error as wrong:
            raise HostError(f"{path} is damaged: {wrong}") from None
    content = data.decode("utf-8", "replace")
    if "CONFIG_" not in content:
        raise HostError(f"{path} has no options in it")
    return content


def parse_options(content: str, options: Iterable[str]) -> dict[str, str]:
    """y, m or n for each of `options`; one that the file does not name is n."""
    # A plain search for each of a dozen names is far quicker than one expression over 300 kB.
    lines = f"\n{content}\n"
    return {option: _option(lines, option) for option in sorted(options)}


def _option(lines: str, option: str) -> str:
    for value in ("y", "m"):
        if f"\nCONFIG_{option}={value}\n" in lines:
            return value
    return "n"

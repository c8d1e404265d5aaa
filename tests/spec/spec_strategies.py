"""Hypothesis: every state that a spec can describe, and hosts to write a first spec for."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface

from hypothesis import strategies as st

from eswitch.model.desired import (
    DesiredBridge,
    DesiredDriver,
    DesiredNic,
    DesiredOvs,
    DesiredPort,
    DesiredState,
    DesiredVf,
    EncapMode,
    EswitchMode,
    InlineMode,
    MacPolicy,
    NicMatch,
    TcPolicy,
    VfDriver,
)
from eswitch.model.identifiers import MacAddress, PciAddress
from eswitch.model.observed import (
    EswitchState,
    KernelState,
    LinkState,
    NicState,
    ObservedState,
    OvsBridge,
    OvsPort,
    OvsState,
    OvsStatus,
    RouteState,
    SriovState,
    VfState,
)
from eswitch.model.unknown import Unknown

NIC_NAMES = st.one_of(
    st.from_regex(r"[a-z0-9][a-z0-9_-]{0,8}", fullmatch=True),
    st.sampled_from(
        ["1", "007", "0x1f", "1e3", "on", "no", "y", "null", "true", "cx6", "2026-11-22"]
    ),
).filter(lambda name: name != "uplink")
BRIDGE_NAMES = st.one_of(
    st.from_regex(r"[A-Z_][A-Za-z0-9_.-]{0,14}", fullmatch=True),
    st.sampled_from(["vmbr2", "1.5", "7", "False", "NULL", "1E5", "_", "N"]),
)
INTERFACE_NAMES = st.one_of(
    st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=5),
    st.sampled_from(
        ["enp7s0f0np0", "eth0", "~", "on", "1.5", "a#b", "- x", "*a", "&a", "!x", "'", '"', "\\"]
    ),
).filter(
    lambda name: name not in (".", "..") and not set(name) & set("/: ") and len(name.encode()) < 16
)

_PATHS = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=9).filter(
    lambda path: not path.endswith("/")
)
PACKAGES = st.builds(
    str.__add__, st.sampled_from(["/", "/root/", "https://example.org/"]), _PATHS
) | st.sampled_from(
    ["/#", "/: ", "/a: b", "/'\"", "/-", "https://[2001:db8::1]/a.tgz?b=#c"]
).filter(lambda path: " " not in path)
SUMS = st.text("0123456789abcdef", min_size=64, max_size=64) | st.sampled_from(
    ["0" * 64, "1" * 64, "0x" + "0" * 62, "1e" + "5" * 62, "1" * 62 + "e5"]
).filter(lambda text: set(text) <= set("0123456789abcdef"))


@st.composite
def macs(draw: st.DrawFn) -> MacAddress:
    octets = draw(st.binary(min_size=6, max_size=6))
    return MacAddress(bytes([octets[0] & 0xFE | 0x02, *octets[1:]]).hex(":"))


@st.composite
def pcis(draw: st.DrawFn) -> PciAddress:
    domain, bus, device, function = (draw(st.integers(0, top)) for top in (0x1FFFF, 255, 31, 7))
    return PciAddress(f"{domain:04x}:{bus:02x}:{device:02x}.{function}")


@st.composite
def _matches(draw: st.DrawFn, mac: MacAddress, pci: PciAddress, name: str) -> NicMatch:
    given_mac, given_pci, given_name = draw(
        st.tuples(st.booleans(), st.booleans(), st.booleans()).filter(any)
    )
    return NicMatch(
        mac if given_mac else None, pci if given_pci else None, name if given_name else None
    )


@st.composite
def _vfs(draw: st.DrawFn, index: int, mac: MacAddress, vlans: bool) -> DesiredVf:
    policy = draw(st.sampled_from(list(MacPolicy)))
    return DesiredVf(
        index,
        policy,
        mac if policy is MacPolicy.FIXED else None,
        draw(st.none() | st.integers(1, 4094)) if vlans else None,
        draw(st.sampled_from(list(VfDriver))),
    )


@st.composite
def states(draw: st.DrawFn) -> DesiredState:
    names = draw(st.lists(NIC_NAMES, max_size=3, unique=True))
    bridge_names = draw(st.lists(BRIDGE_NAMES, max_size=3, unique=True))
    interface_names = draw(st.lists(INTERFACE_NAMES, min_size=3, max_size=3, unique=True))
    bridge_names = [name for name in bridge_names if name not in (*names, *interface_names)]
    pool = iter(draw(st.lists(macs(), min_size=30, max_size=30, unique=True)))
    slots = iter(draw(st.lists(pcis(), min_size=3, max_size=3, unique=True)))
    interfaces = iter(interface_names)
    nics = []
    ports: list[DesiredPort] = []
    for name in names:
        mode = draw(st.sampled_from(list(EswitchMode)))
        vlans = mode is EswitchMode.SWITCHDEV and bool(bridge_names)
        count = draw(st.integers(0, 4))
        vfs = tuple(draw(_vfs(index, next(pool), vlans)) for index in range(count))
        match = draw(_matches(next(pool), next(slots), next(interfaces)))
        inline = draw(st.none() | st.sampled_from(list(InlineMode)))
        encap = draw(st.none() | st.sampled_from(list(EncapMode)))
        reset = draw(st.booleans())
        nics.append(DesiredNic(name, match, vfs, mode, inline, encap, reset))
        if bridge_names:
            ports.append(DesiredPort(name))
            if mode is EswitchMode.SWITCHDEV:
                ports += [DesiredPort(name, vf.index, vf.vlan) for vf in vfs]
    if draw(st.booleans()):
        ports = draw(st.permutations(ports))
    bridges = draw(_bridges(bridge_names, ports))
    ovs = DesiredOvs(
        draw(st.booleans()),
        draw(st.none() | st.sampled_from(list(TcPolicy))),
        draw(st.none() | st.integers(500, 10**6)),
    )
    driver = draw(st.none() | st.builds(DesiredDriver, PACKAGES, SUMS))
    passthrough = draw(st.none() | st.booleans())
    return DesiredState(tuple(nics), tuple(bridges), ovs, driver, passthrough)


@st.composite
def _bridges(draw: st.DrawFn, names: list[str], ports: list[DesiredPort]) -> list[DesiredBridge]:
    rest = list(ports)
    bridges = []
    gateway_at = draw(st.integers(0, max(0, len(names) - 1)))
    for place, name in enumerate(names):
        last = place == len(names) - 1
        taken = len(rest) if last else draw(st.integers(0, len(rest)))
        mine, rest = rest[:taken], rest[taken:]
        addresses = (f"10.{place}.0.2/16", f"2001:db8:{place}::2/64")
        kept = draw(st.lists(st.sampled_from(addresses), unique=True))
        gateways = [f"10.{place}.0.1"] if addresses[0] in kept else []
        gateways += ["fe80::1"] if draw(st.booleans()) else []
        bridges.append(
            DesiredBridge(
                name,
                tuple(mine),
                tuple(ip_interface(address) for address in kept),
                tuple(ip_address(gateway) for gateway in gateways if place == gateway_at),
            )
        )
    return bridges


_ANY_MAC = (
    st.none()
    | macs()
    | st.sampled_from(
        [
            MacAddress(text)
            for text in ("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "ba:dd:ad:de:ad:30")
        ]
    )
)
_ANY_ADDRESS = st.sampled_from(
    ["10.0.0.2/24", "10.0.0.3/24", "10.0.0.0/24", "192.168.1.9/32", "2001:db8::2/64", "fe80::1/64"]
)
_ANY_GATEWAY = st.sampled_from(["", "10.0.0.1", "10.0.0.2", "172.16.0.1", "fe80::1", "2001:db8::1"])


_ESWITCHES: list[EswitchState | Unknown] = [
    EswitchState("legacy"),
    EswitchState("switchdev"),
    Unknown("no\nway"),
]


@st.composite
def _nics(draw: st.DrawFn, pci: PciAddress, names: list[str]) -> NicState:
    total = draw(st.integers(0, 5))
    count = draw(st.integers(0, total))
    vfs = tuple(
        VfState(
            index,
            pci,
            draw(st.sampled_from([None, "mlx5_core", "vfio-pci", "iavf"])),
            mac=draw(_ANY_MAC),
            representor=(draw(st.booleans()) and names.pop()) or None,
            users=draw(st.sampled_from([(), ("process 1 (\x1b[2J\n# x)",)])),
        )
        for index in range(count)
        if draw(st.booleans())
    )
    return NicState(
        pci,
        draw(st.sampled_from([None, "mlx5_core", "ice", "bnxt_en", "nfp", "i40e", "tg3"])),
        (draw(st.booleans()) and names.pop()) or None,
        draw(_ANY_MAC),
        sriov=draw(st.sampled_from([None, SriovState(total, count, autoprobe=True)])),
        eswitch=draw(st.sampled_from(_ESWITCHES)),
        vfs=vfs,
    )


@st.composite
def hosts(draw: st.DrawFn) -> ObservedState:
    """Hosts in any state, also impossible ones; only interface names are unique, as they are."""
    names = [f"eth{number}" for number in range(40)]
    names[::9] = ["*a", "é日", "Enp1s0", "#x", "enp7s0f0np0"]
    everything = tuple(names)
    slots = draw(st.lists(pcis(), max_size=3, unique=True))
    nics = tuple(draw(_nics(pci, names)) for pci in slots)
    owned = [nic.netdev for nic in nics if nic.netdev]
    owned += [vf.representor for nic in nics for vf in nic.vfs if vf.representor]
    marks = [f"{pci}/{what}" for pci in slots for what in ("uplink", "vf0", "vf1", "vf9")]
    bridges = []
    free = draw(st.permutations([*owned, *names[-6:]]))
    for name in draw(st.lists(st.sampled_from(["vmbr2", "-x", "uplink", *names[:2]]), unique=True)):
        mine, free = free[:3], free[3:]
        ports = []
        for port in mine:
            tag = draw(st.none() | st.integers(0, 4095))
            trunks = draw(st.sampled_from([(), (1, 2)]))
            marked = bool(marks) and draw(st.booleans())
            ids = {"eswitch": draw(st.sampled_from(marks))} if marked else {}
            ports.append(OvsPort(port, tag, trunks, ids))
        bridges.append(OvsBridge(name, (OvsPort(name), *ports)))
    linked = dict.fromkeys([*everything, *(bridge.name for bridge in bridges)])
    links = tuple(
        LinkState(
            name,
            index,
            None,
            up=True,
            carrier=None,
            mtu=1500,
            master=draw(st.none() | st.sampled_from(everything)),
            addresses=tuple(draw(st.lists(_ANY_ADDRESS, max_size=2))),
        )
        for index, name in enumerate(linked)
        if name in owned or name not in everything
    )
    devices = st.sampled_from([*(bridge.name for bridge in bridges), "eth9", *owned])
    gateways = draw(st.lists(st.tuples(_ANY_GATEWAY, devices, st.integers(0, 3)), max_size=4))
    words = st.sampled_from(["true", "false", "skip_sw", "30000", "7", "²", "x"])
    keys = st.sampled_from(["hw-offload", "tc-policy", "max-idle"])
    return ObservedState(
        KernelState("6.1"),
        nics,
        links,
        tuple(
            RouteState(4, gateway or None, device, metric) for gateway, device, metric in gateways
        ),
        OvsState(
            draw(st.sampled_from(list(OvsStatus))),
            other_config=draw(st.dictionaries(keys, words)),
            bridges=tuple(bridges),
        ),
        session_addresses=("10.0.0.2",),
    )

"""The shape of a spec: sections and keys, for reading and for the JSON schema.

pydantic is used here only, at the boundary; what comes out is turned into `model/desired.py`.
Single values are judged by `values.py`, what needs two of them together by `checks.py`. The text
under each field is its description in the JSON schema.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    WithJsonSchema,
    model_validator,
)

from eswitch.model.desired import (
    SPEC_VERSION,
    EncapMode,
    EswitchMode,
    InlineMode,
    MacPolicy,
    TcPolicy,
    VfDriver,
)
from eswitch.model.identifiers import MacAddress, PciAddress

from . import addresses, values
from .values import BadValue

COUNT, LIST = "<count>", "<list>"
"""The two forms of `vfs`, as steps in pydantic's `loc`; no key of a spec can look like them."""

_VM_NOTE = " (none leaves the VF to a VM, whose start binds vfio-pci)"

_JsonSchema = dict[str, Any]

_MAC_PATTERN = r"^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$"
_MAC_SCHEMA: _JsonSchema = {"type": "string", "pattern": _MAC_PATTERN}
_PCI_PATTERN = r"^([0-9a-fA-F]{4,8}:)?[0-9a-fA-F]{2}:[01][0-9a-fA-F]\.[0-7]$"
_ADDRESS_SCHEMA: _JsonSchema = {"type": "string", "pattern": r"^[0-9a-fA-F:.]+/[0-9]{1,3}$"}
_GATEWAY_SCHEMA: _JsonSchema = {"type": "string", "pattern": r"^[0-9a-fA-F:.]+$"}
_PORT_SCHEMA: _JsonSchema = {"type": "string", "pattern": f"^{values.PORT_PATTERN}$"}


def _text(pattern: str, longest: int) -> _JsonSchema:
    return {"type": "string", "pattern": f"^{pattern}$", "maxLength": longest}


def _words(*words: str) -> WithJsonSchema:
    return WithJsonSchema({"enum": list(words)})


def _range(low: int, high: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "integer", "minimum": low, "maximum": high})


def _one_or_many(item: _JsonSchema) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [item, {"type": "array", "items": item}]})


def _as_tuple(value: object) -> tuple[object, ...]:
    return tuple(value) if isinstance(value, list) else (value,)


class Section(BaseModel):
    """A mapping with known keys; anything else in it is an error."""

    # Only the whole spec builds a validator: building one for each section costs twice the time.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class Match(Section):
    """How to find the PF: every key that is given must hold, and exactly one PF must match."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    mac: Annotated[
        MacAddress | None, PlainValidator(values.parse_mac), WithJsonSchema(_MAC_SCHEMA)
    ] = None
    """The PF's permanent MAC address: it stays with the card in any slot."""
    pci: Annotated[
        PciAddress | None,
        PlainValidator(values.parse_pci),
        WithJsonSchema({"type": "string", "pattern": _PCI_PATTERN}),
    ] = None
    """The PF's PCI address, such as 0000:07:00.0: it stays with the slot."""
    name: Annotated[
        str | None,
        PlainValidator(values.parse_interface_name),
        WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 15}),
    ] = None
    """The PF's interface name. It may change with a new kernel or systemd; prefer mac or pci."""

    @model_validator(mode="after")
    def _not_empty(self) -> Match:
        if self.mac is None and self.pci is None and self.name is None:
            hint = 'write one of mac, pci and name, such as match: {mac: "08:c0:eb:32:98:11"}'
            raise BadValue("the match is empty, so it finds every NIC", hint)
        return self


class Vf(Section):
    """One VF; its index is its place in the list, from 0."""

    mac: Annotated[
        tuple[MacPolicy, MacAddress | None],
        PlainValidator(values.parse_vf_mac),
        WithJsonSchema({"anyOf": [_MAC_SCHEMA, {"enum": ["auto", "keep"]}]}),
    ] = Field(default=(MacPolicy.DERIVED, None), json_schema_extra={"default": "auto"})
    """An address; or auto: computed from the NIC's, the same at every boot; or keep: as it is."""
    vlan: Annotated[int | None, PlainValidator(values.parse_vlan), _range(1, values.MAX_VLAN)] = (
        None
    )
    """The VLAN whose untagged member this VF is (an access port of the bridge)."""
    driver: Annotated[
        VfDriver,
        PlainValidator(values.choice_of(VfDriver, "a VF's driver", _VM_NOTE)),
        _words("none", "host"),
    ] = VfDriver.NONE
    """none: unbound, for a VM; host: bound to its network driver, for a container or the host."""


def _vfs_kind(value: object) -> str:
    return LIST if isinstance(value, list) else COUNT


def _few(vfs: list[Vf]) -> list[Vf]:
    if len(vfs) > values.MAX_VFS:
        message = f"the list has {len(vfs)} VFs, more than {values.MAX_VFS}"
        raise BadValue(message, "`eswitch show` prints how many VFs a NIC can have")
    return vfs


class Nic(Section):
    """One PF of an SR-IOV NIC, and its VFs."""

    match: Match
    """How to find the PF."""
    vfs: Annotated[
        Annotated[
            int,
            PlainValidator(values.parse_vf_count),
            _range(0, values.MAX_VFS),
            Tag(COUNT),
        ]
        | Annotated[
            list[Vf],
            Field(json_schema_extra={"maxItems": values.MAX_VFS}),
            AfterValidator(_few),
            Tag(LIST),
        ],
        Discriminator(_vfs_kind),
    ]
    """How many VFs, or a list with one entry for each if they differ."""
    mode: Annotated[
        EswitchMode,
        PlainValidator(values.choice_of(EswitchMode, "an e-switch mode")),
        _words("switchdev", "legacy"),
    ] = EswitchMode.SWITCHDEV
    """The e-switch mode. legacy has no representors, so no VF of it can be a bridge's port."""
    inline_mode: Annotated[
        InlineMode | None,
        PlainValidator(values.choice_of(InlineMode, "an inline mode")),
        _words("none", "link", "network", "transport"),
    ] = None
    """How many headers senders must inline (ConnectX-4 Lx and older). Unset: as it is."""
    encap_mode: Annotated[
        EncapMode | None,
        PlainValidator(values.choice_of(EncapMode, "an encapsulation mode")),
        _words("none", "basic"),
    ] = None
    """Whether tunnels may be offloaded. Unset: as it is."""
    firmware_reset: Annotated[
        bool, PlainValidator(values.parse_flag), WithJsonSchema({"type": "boolean"})
    ] = False
    """Reset the card (mstfwreset) for new firmware settings: no reboot, but its links go down."""


class Bridge(Section):
    """An Open vSwitch bridge."""

    ports: Annotated[
        tuple[Annotated[values.PortRef, PlainValidator(values.parse_port)], ...],
        BeforeValidator(_as_tuple),
        _one_or_many(_PORT_SCHEMA),
    ] = ()
    """One or a list: cx6 (uplink and all VFs), cx6/uplink, cx6/0 (the VF of that index)."""
    address: Annotated[
        tuple[Annotated[addresses.Address, PlainValidator(addresses.parse_address)], ...],
        BeforeValidator(_as_tuple),
        _one_or_many(_ADDRESS_SCHEMA),
    ] = ()
    """The host's own address on this bridge with prefix length; one or a list, IPv4 and IPv6."""
    gateway: Annotated[
        tuple[Annotated[addresses.Gateway, PlainValidator(addresses.parse_gateway)], ...],
        BeforeValidator(_as_tuple),
        _one_or_many(_GATEWAY_SCHEMA),
    ] = ()
    """The host's default gateway, if it is reached through this bridge; one per address family."""


class Ovs(Section):
    """Open vSwitch's settings for the whole host."""

    hw_offload: Annotated[
        bool, PlainValidator(values.parse_flag), WithJsonSchema({"type": "boolean"})
    ] = True
    """Whether Open vSwitch offloads flows at all (other_config:hw-offload)."""
    tc_policy: Annotated[
        TcPolicy | None,
        PlainValidator(values.choice_of(TcPolicy, "a TC policy")),
        _words("none", "skip_sw", "skip_hw"),
    ] = None
    """Where TC puts flows (other_config:tc-policy). Unset: as it is, but skip_hw goes."""
    max_idle: Annotated[
        int | None,
        PlainValidator(values.parse_max_idle),
        _range(values.MIN_MAX_IDLE, values.MAX_MAX_IDLE),
    ] = None
    """Milliseconds that an unused flow stays (other_config:max-idle). Unset: as it is."""


def _given(value: object) -> object:
    """A key without a value is not a key left out: something may have got lost."""
    if value is None:
        hint = 'such as driver: {package: /root/FILE.tgz, sha256: "64 hexadecimal digits"}'
        raise BadValue("expected keys with values, found nothing", hint)
    return value


class Driver(Section):
    """An out-of-tree driver from NVIDIA's archive (MLNX_EN, DOCA-OFED), built for this kernel."""

    package: Annotated[
        str,
        PlainValidator(values.parse_package),
        WithJsonSchema({"type": "string", "pattern": values.PACKAGE_PATTERN}),
    ]
    """The .tgz: an absolute path on this host, or its https URL."""
    sha256: Annotated[
        str,
        PlainValidator(values.parse_sha256),
        WithJsonSchema({"type": "string", "pattern": "^[0-9a-fA-F]{64}$"}),
    ]
    """The SHA-256 of that file, 64 hexadecimal digits (`sha256sum FILE`)."""


NicName = Annotated[
    str,
    PlainValidator(values.parse_nic_name),
    WithJsonSchema(_text(values.NIC_NAME_PATTERN, values.NIC_NAME_LENGTH)),
]
BridgeName = Annotated[
    str,
    PlainValidator(values.parse_bridge_name),
    WithJsonSchema(_text(values.BRIDGE_NAME_PATTERN, values.INTERFACE_NAME_BYTES)),
]


class Spec(Section):
    """What a host's e-switches and bridges shall be, as `eswitch apply` makes them."""

    model_config = ConfigDict(defer_build=False)

    version: Annotated[
        int, PlainValidator(values.parse_version), WithJsonSchema({"const": SPEC_VERSION})
    ]
    """The version of this format."""
    nics: dict[NicName, Nic] = Field(default_factory=dict)
    """NICs by a name of your own, which ports refer to."""
    bridges: dict[BridgeName, Bridge] = Field(default_factory=dict)
    """Open vSwitch bridges by name."""
    ovs: Ovs = Field(default_factory=Ovs)
    """Open vSwitch's settings for the whole host."""
    driver: Annotated[Driver | None, BeforeValidator(_given)] = None
    """An out-of-tree driver. Unset: the kernel's own, which is new enough on Proxmox VE 8 and 9."""
    passthrough: Annotated[
        bool | None, PlainValidator(values.parse_flag), WithJsonSchema({"type": "boolean"})
    ] = None
    """Whether VMs get VFs, which needs the IOMMU. Unset: if any VF has `driver: none`."""

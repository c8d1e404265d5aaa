"""What is asked of the twin and of the lab, in order, so that the answers can be compared.

Each operation is one line, on a machine that has just been reset:

    write VALUE > PATH       one write to an attribute
    read PATH, list PATH, resolve PATH
    run COMMAND              a program; `<<<` gives it lines of input, separated by `|`
    begin|end COMMAND        a program of which only the status and the first or last lines are
                             compared
    settle                   until udev has nothing left to do
    replace TEXT > PATH, remove PATH, which PROGRAM: the door's own
    pick NAMES of PATH       which of these are in a directory
    first WORD of PATH       the first line that begins with it
    bytes PATH               a file that is no text
    outside ACTION           what no program in the machine can do (boot_operations.py)

`$PF`, `$UP`, `$OTHER` are the first NIC's PCI address, its uplink and the second NIC's address,
`$RELEASE` is the kernel's, `$ROOT` the `root=` of its command line. At least every operation that
stages issue is here or in boot_operations.py, and the refusals that the engine explains.
"""

from __future__ import annotations

OVS_DUMP = (
    "run ovs-vsctl --timeout=10 --format=json "
    "-- --columns=ovs_version,other_config list Open_vSwitch "
    "-- --columns=name,external_ids,datapath_type list Bridge "
    "-- --columns=name,tag,trunks,external_ids list Port "
    "-- --columns=name,type,error list Interface"
)
LOOK = (
    "run ip -json -details -batch - <<< link show|addr show|route show table all default",
    "run devlink --json --force --batch - <<< port show|dev eswitch show pci/$PF",
    (
        "run devlink --json --force --batch - <<< dev eswitch show pci/0000:00:1e.0"
        "|dev eswitch show pci/$OTHER|dev eswitch show pci/0000:09:00.0"
    ),
    OVS_DUMP,
    "run tc -json qdisc show ingress",
    "list /sys/bus/pci/devices/$PF",
    "list /sys/bus/pci/devices/$PF/net",
    "read /sys/bus/pci/devices/$PF/sriov_numvfs",
    "read /sys/bus/pci/devices/$PF/sriov_totalvfs",
    "read /sys/bus/pci/devices/$PF/sriov_drivers_autoprobe",
)
"""What `observe()` asks, and what else tells the state."""

SRIOV = (
    "write 17 > /sys/bus/pci/devices/$PF/sriov_numvfs",
    "write abc > /sys/bus/pci/devices/$PF/sriov_numvfs",
    "write 2 > /sys/bus/pci/devices/$PF/sriov_drivers_autoprobe",
    "write 1 > /sys/bus/pci/devices/$PF/class",
    "write 1 > /sys/bus/pci/devices/$PF/nothing",
    "read /sys/bus/pci/devices/$PF/nothing",
    "list /sys/bus/pci/devices/$PF/class",
    "read /sys/bus/pci/devices/$PF",
    "resolve /sys/bus/pci/devices/$PF/virtfn0",
    "write 0 > /sys/bus/pci/devices/$PF/sriov_drivers_autoprobe",
    "write 3 > /sys/bus/pci/devices/$PF/sriov_numvfs",
    "settle",
    *LOOK,
    "resolve /sys/bus/pci/devices/$PF/virtfn0",
    "resolve /sys/bus/pci/devices/$PF/driver",
    "resolve /sys/bus/pci/devices/$VF0/physfn",
    "list /sys/bus/pci/devices/$VF0",
    "list /sys/bus/pci/drivers/eswitchsim",
    "resolve /sys/class/net/$UP",
    "resolve /sys/class/net/$UP/device",
    "read /sys/class/net/$UP/phys_port_name",
    "read /sys/class/net/$UP/phys_switch_id",
    "read /sys/class/net/lo/phys_switch_id",
    "write 2 > /sys/bus/pci/devices/$PF/sriov_numvfs",
    "write 3 > /sys/bus/pci/devices/$PF/sriov_numvfs",
    "write $VF0 > /sys/bus/pci/drivers/eswitchsim/bind",
    "write 1 > /sys/bus/pci/devices/$PF/sriov_drivers_autoprobe",
    "write $VF0 > /sys/bus/pci/drivers/eswitchsim/bind",
    "write $VF0 > /sys/bus/pci/drivers/eswitchsim/bind",
    "write 0000:09:00.0 > /sys/bus/pci/drivers/eswitchsim/bind",
    "write 0000:09:00.0 > /sys/bus/pci/drivers/eswitchsim/unbind",
    "write $VF0 > /sys/bus/pci/drivers/nosuch/unbind",
    "settle",
    *LOOK,
    "run devlink dev eswitch set pci/$PF mode switchdev",
    "write $VF0 > /sys/bus/pci/drivers/eswitchsim/unbind",
    "write $VF0 > /sys/bus/pci/drivers/eswitchsim/unbind",
    "write 0 > /sys/bus/pci/devices/$PF/sriov_numvfs",
    *LOOK,
)
MODES = (
    "run devlink dev eswitch set pci/$PF mode nonsense",
    "run devlink dev eswitch set pci/$PF inline-mode nonsense",
    "run devlink dev eswitch set pci/0000:09:00.0 mode switchdev",
    "run devlink dev eswitch show pci/$PF",
    "run tc qdisc add dev $UP ingress",
    "run devlink dev eswitch set pci/$PF mode switchdev",
    (
        "run devlink -b - <<< dev eswitch set pci/$PF mode switchdev"
        "|dev eswitch set pci/$OTHER mode legacy"
    ),
    "run tc qdisc del dev $UP ingress",
    "run tc qdisc del dev $UP ingress",
    "run tc qdisc del dev nosuch ingress",
    "run tc -b - <<< qdisc del dev $UP ingress|qdisc del dev $UP ingress",
    "run devlink port function set pci/$PF/1 hw_addr 52:54:00:00:00:01",
    "run devlink dev eswitch set pci/$PF mode switchdev",
    "run devlink dev eswitch set pci/$PF mode switchdev",
    "run devlink dev eswitch set pci/$PF inline-mode link",
    "run devlink dev eswitch set pci/$PF encap-mode none",
    "write 0 > /sys/bus/pci/devices/$PF/sriov_drivers_autoprobe",
    "write 3 > /sys/bus/pci/devices/$PF/sriov_numvfs",
    "settle",
    "write 1 > /sys/bus/pci/devices/$PF/sriov_drivers_autoprobe",
    *LOOK,
    "run devlink port function set pci/$PF/65535 hw_addr 52:54:00:00:00:01",
    "run devlink port function set pci/$PF/1 hw_addr 01:00:00:00:00:01",
    "run devlink port function set pci/$PF/1 hw_addr zz",
    (
        "run devlink -b - <<< port function set pci/$PF/1 hw_addr 52:54:00:00:00:01|"
        "port function set pci/$PF/9 hw_addr 52:54:00:00:00:02|"
        "port function set pci/$PF/2 hw_addr 52:54:00:00:00:02"
    ),
    (
        "run devlink --force -b - <<< port function set pci/$PF/9 hw_addr 52:54:00:00:00:02|"
        "port function set pci/$PF/2 hw_addr 52:54:00:00:00:02"
    ),
    "run ip link set $UP vf 0 mac 52:54:00:00:00:07",
    "run ip link set $UP vf 9 mac 52:54:00:00:00:07",
    "run ip link set $UP vf 0 mac 01:54:00:00:00:07",
    "run ip link set $UP vf 0 vlan 7",
    "run ip link set $UP vf 0 vlan 0",
    "run ip link set $UP vf 0 vlan 5000",
    "run ip link set $UP vf 0 spoofchk on",
    "run ip link set $UP vf 0 trust on",
    "run ip link set $UP vf 0 state enable",
    "run ip link set $UP vf 0 min_tx_rate 5 max_tx_rate 3",
    "run ip link set $UP vf 1 min_tx_rate 5 max_tx_rate 30",
    "run ip link set labmgmt vf 0 mac 52:54:00:00:00:07",
    "write $VF1 > /sys/bus/pci/drivers/eswitchsim/bind",
    "settle",
    *LOOK,
    "run ethtool -k nosuch",
    "run ethtool -K $REP0 hw-tc-offload off",
    "run ethtool -K $REP0 hw-tc-offload off",
    "run ethtool -K $REP0 hw-tc-offload on",
    "run ethtool -K labmgmt hw-tc-offload on",
    "run ethtool -K nosuch hw-tc-offload on",
    "run ethtool -P $UP",
    "run devlink dev eswitch set pci/$PF mode legacy",
    *LOOK,
    "write 0 > /sys/bus/pci/devices/$PF/sriov_numvfs",
    "run devlink dev eswitch set pci/$PF inline-mode none",
    "run devlink dev eswitch set pci/$PF encap-mode basic",
)
BRIDGES = (
    "run devlink dev eswitch set pci/$PF mode switchdev",
    "write 2 > /sys/bus/pci/devices/$PF/sriov_numvfs",
    "settle",
    (
        "run ovs-vsctl --timeout=60 -- --may-exist add-br vmbr2 "
        '-- set bridge vmbr2 external_ids:eswitch="bridge" '
        '-- --may-exist add-port vmbr2 $UP -- set port $UP external_ids:eswitch="$PF/uplink" '
        "-- --may-exist add-port vmbr2 $REP0 tag=20 "
        '-- set port $REP0 external_ids:eswitch="$PF/vf0"'
    ),
    *LOOK,
    "run ovs-vsctl add-br vmbr2",
    "run ovs-vsctl add-br $REP0",
    "run ovs-vsctl add-port vmbr2 $REP0",
    "run ovs-vsctl add-port nobr $REP1",
    "run ovs-vsctl add-port vmbr2 nothere",
    "run ovs-vsctl --may-exist add-port nobr $REP0",
    "run ovs-vsctl -- add-br other -- add-port other nothere",
    "run ovs-vsctl list-br",
    "run ovs-vsctl del-port vmbr2 nosuch",
    "run ovs-vsctl --if-exists del-port vmbr2 nosuch",
    "run ovs-vsctl --if-exists del-port nobr nosuch",
    "run ovs-vsctl del-port vmbr2 nothere",
    "run ovs-vsctl set port $REP0 tag=5000",
    "run ovs-vsctl set port $REP0 nosuchcolumn=5",
    "run ovs-vsctl set nosuchtable $REP0 tag=5",
    "run ovs-vsctl set port nosuch tag=5",
    "run ovs-vsctl set port $REP0 trunks=10,20",
    "run ovs-vsctl clear port $REP0 tag",
    "run ovs-vsctl get port $REP0 tag",
    "run ovs-vsctl get port $REP0 trunks",
    "run ovs-vsctl get port $REP0 external_ids",
    "run ovs-vsctl get Open_vSwitch . other_config",
    "run ovs-vsctl get Open_vSwitch . other_config:hw-offload",
    "run ovs-vsctl remove Open_vSwitch . other_config hw-offload",
    "run ovs-vsctl remove bridge vmbr2 external_ids nosuch",
    "run ovs-vsctl list-ports vmbr2",
    "run ovs-vsctl nosuch",
    "run ovs-vsctl del-br nosuch",
    "run ovs-vsctl --if-exists del-br nosuch",
    "run ovs-appctl upcall/show",
    "run ovs-appctl dpif/offload/show",
    "run ovs-appctl dpctl/dump-flows -m --names",
    "run ovs-appctl nosuch/command",
    "run ovs-vsctl set Open_vSwitch . other_config:hw-offload=true",
    "wait qdisc $REP0",
    "run tc -json qdisc show ingress",
    "run devlink dev eswitch set pci/$PF mode legacy",
    "run ip link set nosuch up",
    "run ip -b - <<< link set vmbr2 up|link set nosuch up|link set $REP0 up",
    "run ip -force -b - <<< link set nosuch up|link set $REP0 up|link set $UP vf 0 vlan 7",
    "run ip addr add 10.0.0.1/24 dev vmbr2",
    "run ip addr add 10.0.0.1/24 dev vmbr2",
    "run ip addr add 10.0.0.2/24 dev vmbr2",
    "run ip addr add fd00::1/64 dev vmbr2 nodad",
    "run ip addr add 10.0.0.1/24 dev nosuch",
    "run ip addr add nonsense dev vmbr2",
    "run ip route replace default via 10.0.0.9 dev vmbr2",
    "run ip route replace default via 10.9.0.9 dev vmbr2",
    "run ip route replace default via 10.0.0.9 dev nosuch",
    "run ip route replace default via 10.0.0.9 dev other",
    *LOOK,
    "run ip route del default via 10.0.0.8 dev vmbr2",
    "run ip route del default via 10.0.0.9 dev vmbr2",
    "run ip route del default via 10.0.0.9 dev vmbr2",
    "run ip route replace default via 10.0.0.9 dev vmbr2 metric 7",
    "run ip addr del 10.0.0.1/24 dev vmbr2",
    *LOOK,
    "run ip addr del 10.0.0.1/24 dev vmbr2",
    "run ip addr del fd00::5/64 dev vmbr2",
    "run ip addr del 10.0.0.1/24 dev nosuch",
    "run ip addr add 10.1.0.1/24 dev vmbr2",
    "run ip addr add 10.1.0.1/16 dev vmbr2",
    "run ip addr add 10.1.0.1/16 dev vmbr2",
    "run ip addr add fd00::1/48 dev vmbr2",
    "run ip route replace default via 10.1.0.9 dev vmbr2",
    "run ip route replace default via 10.1.0.8 dev vmbr2 metric 7",
    "run ip addr del 10.1.0.1/24 dev vmbr2",
    LOOK[0],
    "run ip route replace default dev vmbr2",
    "run ip route replace ::/0 dev vmbr2",
    LOOK[0],
    "run ovs-vsctl --if-exists del-br vmbr2 -- --if-exists del-br other",
    *LOOK,
    "run ip link set",
    "run ip nosuch",
    "run devlink nosuch",
    "run tc nosuch",
)
_ID = "/proc/sys/kernel/random/boot_id"
_UNITS = "/etc/systemd/system"
_UNIT = "eswitch-resume.service"
_UNIT_TEXT = (
    "[Unit]\\nConditionPathExists=/nosuch\\n[Service]\\nType=oneshot\\nExecStart=/bin/true\\n"
    "[Install]\\nWantedBy=multi-user.target\\n"
)
_SUM = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
_WRONG = "0" * 64
_TAR = "run tar -xf {} -C {} --strip-components=1 --no-same-owner"
_VFIO = "pick vfio,vfio_pci,vfio_pci_core,vfio_iommu_type1 of /sys/module"
FILES = (
    "read /root/parity/one",
    "replace one > /root/parity/one",
    "read /root/parity/one",
    "replace hello\\n > /root/parity/one",
    "read /root/parity/one",
    "list /root/parity",
    "list /root/parity/one",
    "read /root/parity",
    "replace two > /root/parity/one/two",
    "replace two > /root/parity",
    "read /root/parity/one/two",
    "remove /root/parity/one/two",
    "remove /root/parity/nosuch",
    "remove /root/parity",
    "resolve /root/parity/nosuch",
    "run mkdir -p /root/parity/a/b",
    "run mkdir -p /root/parity/a/b",
    "list /root/parity/a",
    "list /root/parity/a/b",
    "run mkdir -p /root/parity/one",
    "run mkdir -p /root/parity/one/two",
    "run cp /root/parity/one /root/parity/two",
    "run cp /root/parity/one /root/parity/a",
    "run cp /root/parity/nosuch /root/parity/two",
    "run cp /root/parity/one /root/parity/nosuch/two",
    "run cp /root/parity/a /root/parity/c",
    "list /root/parity/a",
    "run sha256sum /root/parity/one",
    "run sha256sum /root/parity/nosuch",
    "run sha256sum /root/parity",
    f"run sha256sum --check --quiet - <<< {_SUM}  /root/parity/two",
    f"run sha256sum --check --quiet - <<< {_WRONG}  /root/parity/two",
    f"run sha256sum --check --quiet - <<< {_SUM}  /root/parity/nosuch",
    f"run sha256sum --check --quiet - <<< {_SUM}  /root/parity/one|{_WRONG}  /root/parity/two",
    "run sha256sum --check --quiet - <<< nonsense",
    _TAR.format("/root/parity/nosuch", "/root/parity/a/b"),
    _TAR.format("/root/parity/one", "/root/parity/a/b"),
    _TAR.format("/root/parity/one", "/root/parity/nosuch"),
    "run env -C /root/parity/nosuch ./install --force",
    "run env -C /root/parity ./install --force",
    "run env -C /root/parity/one ./install --force",
    "remove /root/parity/two",
    "remove /root/parity/one",
    "read /root/parity/one",
    "list /root/parity",
)
HOST = (
    "list /sys/class/iommu",
    "pick DMAR,IVRS of /sys/firmware/acpi/tables",
    "first vendor_id of /proc/cpuinfo",
    "read /sys/kernel/security/lockdown",
    "list /sys/firmware/efi/efivars",
    "bytes /sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
    "bytes /sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f",
    f"read {_ID}",
    f"read {_ID}",
    "read /etc/debian_version",
    "begin systemctl --version",
    "pick Makefile,Module.symvers of /lib/modules/$RELEASE/build",
    "pick kernel,updates of /lib/modules/$RELEASE",
    "list /lib/modules/nosuch/build",
    "read /etc/kernel/proxmox-boot-uuids",
    "read /usr/sbin/grub-mkconfig",
    "read /boot/grub/grub.cfg",
    "list /efi/loader/entries",
    "list /boot/efi/loader/entries",
    "read /var/lib/eswitch/driver/installed",
    "bytes /var/lib/dkms/mok.pub",
    *(
        f"which {name}"
        for name in (
            *("modprobe", "modinfo", "sha256sum", "tar", "env", "cp", "mkdir", "systemctl"),
            *("mstconfig", "mlxconfig", "mstfwreset", "mlxfwreset", "dkms", "mokutil", "wget"),
            *("curl", "update-grub", "proxmox-boot-tool", "kernel-install", "update-initramfs"),
            *("devlink", "dmesg", "ovs-appctl"),
        )
    ),
    "run mokutil --test-key /var/lib/dkms/mok.pub",
    "run dkms status",
    "run update-grub",
    "run proxmox-boot-tool status",
    "run wget -nv -O /root/x http://nosuch.invalid/x",
    "run mlxconfig -d $PF -e q",
    "run mstconfig -d 0000:09:00.0 -e q",
    "run mstconfig -d 0000:09:00.0 -y set SRIOV_EN=1",
    "run mstconfig -d 09:00.0 q",
    # ---- modules
    _VFIO,
    "list /sys/bus/pci/drivers/vfio-pci",
    "pick version,refcnt of /sys/module/eswitchsim",
    "list /sys/module/nosuch",
    "read /sys/module/vfio/version",
    "end modinfo -n eswitchsim",
    "run modinfo -n vfio_pci",
    "run modinfo -n vfio-pci",
    "run modinfo -n vfio",
    "run modinfo -n vfio_iommu_type1",
    "run modinfo -n nosuch",
    "run modprobe nosuch",
    "run modprobe -a vfio_iommu_type1 nosuch",
    "replace blacklist vfio_pci\\n > /etc/modprobe.d/parity.conf",
    "run modprobe -a vfio_pci vfio_iommu_type1",
    "remove /etc/modprobe.d/parity.conf",
    _VFIO,
    "run modprobe -a vfio_pci vfio_iommu_type1",
    "run modprobe eswitchsim",
    "list /sys/bus/pci/drivers/vfio-pci",
    # ---- groups
    "write 2 > /sys/bus/pci/devices/$PF/sriov_numvfs",
    "settle",
    "list /sys/bus/pci/devices/$PF/iommu_group/devices",
    "list /sys/bus/pci/devices/$VF0/iommu_group/devices",
    "list /sys/bus/pci/devices/$VF1/iommu_group/devices",
    "list /sys/bus/pci/devices/0000:09:00.0/iommu_group/devices",
    "read /sys/bus/pci/devices/$VF0/driver_override",
    "list /sys/bus/pci/devices/$VF0/vfio-dev",
    "write $PF > /sys/bus/pci/drivers/eswitchsim/bind",
    "write 0 > /sys/bus/pci/devices/$PF/sriov_numvfs",
    # ---- the kernel's own words about firmware
    "run devlink -j dev param show pci/$PF",
    "run devlink -j dev param show pci/0000:09:00.0",
    "run devlink dev param set pci/$PF name enable_sriov value true cmode permanent",
    "run devlink dev param set pci/0000:09:00.0 name total_vfs value 2 cmode permanent",
    # ---- services
    f"run systemctl is-enabled {_UNIT}",
    f"run systemctl is-active {_UNIT}",
    f"run systemctl enable {_UNIT}",
    f"run systemctl disable {_UNIT}",
    f"replace {_UNIT_TEXT} > {_UNITS}/{_UNIT}",
    "run systemctl daemon-reload",
    f"run systemctl is-enabled {_UNIT}",
    f"run systemctl enable {_UNIT}",
    f"run systemctl enable {_UNIT}",
    f"run systemctl is-enabled {_UNIT}",
    f"run systemctl is-active {_UNIT}",
    f"pick {_UNIT} of {_UNITS}/multi-user.target.wants",
    f"resolve {_UNITS}/multi-user.target.wants/{_UNIT}",
    f"run systemctl disable {_UNIT}",
    f"run systemctl disable {_UNIT}",
    f"run systemctl is-enabled {_UNIT}",
    f"pick {_UNIT} of {_UNITS}/multi-user.target.wants",
    f"run systemctl enable {_UNIT}",
    f"remove {_UNITS}/{_UNIT}",
    f"run systemctl is-enabled {_UNIT}",
    f"run systemctl disable {_UNIT}",
    f"run systemctl is-enabled {_UNIT}",
    "run systemctl daemon-reload",
    f"run systemctl disable {_UNIT}",
    "run systemctl is-active openvswitch-switch",
)
STORIES = {"sriov": SRIOV, "modes": MODES, "bridges": BRIDGES, "files": FILES, "host": HOST}

"""What is asked of the twin and of the lab, in order, so that the answers can be compared.

Each operation is one line, on a machine that has just been reset:

    write VALUE > PATH       one write to an attribute
    read PATH, list PATH, resolve PATH
    run COMMAND              a program; `<<<` gives it lines of input, separated by `|`
    settle                   until udev has nothing left to do

`$PF`, `$UP`, `$OTHER` are the first NIC's PCI address, its uplink and the second NIC's address. At
least every operation that stages issue is here, and the refusals that the engine explains.
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
STORIES = {"sriov": SRIOV, "modes": MODES, "bridges": BRIDGES}

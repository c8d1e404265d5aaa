// SPDX-License-Identifier: GPL-2.0
/* The PF netdev: uplink representor, and administrator of the VFs. */
#include <linux/rtnetlink.h>

#include "compat.h"
#include "ethtool.h"
#include "flower.h"
#include "link.h"
#include "netdev.h"
#include "nic.h"
#include "switch.h"
#include "uplink.h"
#include "vf_info.h"

static int esim_uplink_open(struct net_device *dev)
{
	netif_start_queue(dev);
	esim_nic_update_links(esim_port_of(dev)->nic);
	return 0;
}

static int esim_uplink_stop(struct net_device *dev)
{
	esim_nic_update_links(esim_port_of(dev)->nic);
	netif_stop_queue(dev);
	return 0;
}

static struct esim_port *esim_uplink_vf(struct net_device *dev, int vf)
{
	struct esim_nic *nic = esim_port_of(dev)->nic;

	ASSERT_RTNL();
	return vf >= 0 && vf < READ_ONCE(nic->num_vfs) ? &nic->vfs[vf] : NULL;
}

static int esim_set_vf_mac(struct net_device *dev, int vf, u8 *mac)
{
	struct esim_port *port = esim_uplink_vf(dev, vf);

	return port ? esim_vf_info_set_mac(port, mac) : -EINVAL;
}

static int esim_set_vf_rate(struct net_device *dev, int vf, int min_rate, int max_rate)
{
	struct esim_port *port = esim_uplink_vf(dev, vf);

	if (!port || min_rate < 0 || max_rate < 0 || (max_rate && min_rate > max_rate))
		return -EINVAL;
	WRITE_ONCE(port->vf.min_rate, min_rate);
	WRITE_ONCE(port->vf.max_rate, max_rate);
	return 0;
}

static int esim_set_vf_link_state(struct net_device *dev, int vf, int state)
{
	struct esim_port *port = esim_uplink_vf(dev, vf);

	if (!port || state < IFLA_VF_LINK_STATE_AUTO || state > IFLA_VF_LINK_STATE_DISABLE)
		return -EINVAL;
	WRITE_ONCE(port->vf.link_state, state);
	esim_port_update_link(port);
	return 0;
}

/*
 * The next three belong to the legacy mode. Switching off what is off already
 * is accepted in switchdev mode too, because libvirt does so.
 */
static int esim_set_vf_vlan(struct net_device *dev, int vf, u16 vlan, u8 qos, __be16 proto)
{
	struct esim_port *port = esim_uplink_vf(dev, vf);

	if (proto != htons(ETH_P_8021Q))
		return -EPROTONOSUPPORT;
	if (!port || vlan >= VLAN_N_VID || qos > 7)
		return -EINVAL;
	if (esim_is_switchdev(port->nic)) {
		if (!vlan)
			return 0;
		netdev_warn(dev, "legacy vf vlan setting isn't supported in switchdev mode\n");
		return -EOPNOTSUPP;
	}
	WRITE_ONCE(port->vf.vlan, vlan);
	WRITE_ONCE(port->vf.qos, qos);
	return 0;
}

static int esim_set_vf_spoofchk(struct net_device *dev, int vf, bool on)
{
	struct esim_port *port = esim_uplink_vf(dev, vf);

	if (!port)
		return -EINVAL;
	if (esim_is_switchdev(port->nic))
		return on ? -EOPNOTSUPP : 0;
	if (on && !READ_ONCE(port->vf.mac))
		netdev_warn(dev, "Spoofchk in set while MAC is invalid, vport(%d)\n", port->vport);
	WRITE_ONCE(port->vf.spoofchk, on);
	return 0;
}

static int esim_set_vf_trust(struct net_device *dev, int vf, bool on)
{
	struct esim_port *port = esim_uplink_vf(dev, vf);

	if (!port)
		return -EINVAL;
	if (esim_is_switchdev(port->nic))
		return on ? -EOPNOTSUPP : 0;
	WRITE_ONCE(port->vf.trust, on);
	return 0;
}

static int esim_get_vf_config(struct net_device *dev, int vf, struct ifla_vf_info *info)
{
	struct esim_port *port = esim_uplink_vf(dev, vf);

	if (!port)
		return -EINVAL;
	memset(info, 0, sizeof(*info));
	info->vf = vf;
	u64_to_ether_addr(READ_ONCE(port->vf.mac), info->mac);
	info->linkstate = READ_ONCE(port->vf.link_state);
	info->vlan = READ_ONCE(port->vf.vlan);
	info->qos = READ_ONCE(port->vf.qos);
	info->vlan_proto = htons(ETH_P_8021Q);
	info->spoofchk = READ_ONCE(port->vf.spoofchk);
	info->trusted = READ_ONCE(port->vf.trust);
	info->min_tx_rate = READ_ONCE(port->vf.min_rate);
	info->max_tx_rate = READ_ONCE(port->vf.max_rate);
	return 0;
}

/* Seen from the VF: what comes out of the e-switch is received. */
static int esim_get_vf_stats(struct net_device *dev, int vf, struct ifla_vf_stats *stats)
{
	struct esim_port *port = esim_uplink_vf(dev, vf);
	struct esim_size size;

	if (!port)
		return -EINVAL;
	memset(stats, 0, sizeof(*stats));
	esim_port_read(port, ESIM_OUT, &size);
	stats->rx_packets = size.packets;
	stats->rx_bytes = size.bytes;
	esim_port_read(port, ESIM_IN, &size);
	stats->tx_packets = size.packets;
	stats->tx_bytes = size.bytes;
	esim_port_read(port, ESIM_DROPPED, &size);
	stats->rx_dropped = size.packets;
	return 0;
}

static const struct net_device_ops esim_uplink_ops = {
	.ndo_open = esim_uplink_open,
	.ndo_stop = esim_uplink_stop,
	.ndo_start_xmit = esim_xmit_rep,
	.ndo_get_stats64 = esim_netdev_get_port_stats,
	.ndo_has_offload_stats = esim_netdev_has_offload_stats,
	.ndo_get_offload_stats = esim_netdev_get_offload_stats,
	.ndo_set_features = esim_netdev_set_features,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_setup_tc = esim_setup_tc,
	.ndo_set_vf_mac = esim_set_vf_mac,
	.ndo_set_vf_rate = esim_set_vf_rate,
	.ndo_set_vf_link_state = esim_set_vf_link_state,
	.ndo_set_vf_vlan = esim_set_vf_vlan,
	.ndo_set_vf_spoofchk = esim_set_vf_spoofchk,
	.ndo_set_vf_trust = esim_set_vf_trust,
	.ndo_get_vf_config = esim_get_vf_config,
	.ndo_get_vf_stats = esim_get_vf_stats,
#ifdef ESIM_NDO_DEVLINK_PORT
	.ndo_get_devlink_port = esim_netdev_get_devlink_port,
#endif
};

struct net_device *esim_uplink_create(struct esim_port *port)
{
	struct net_device *dev = esim_netdev_alloc(port, "eth%d", &esim_uplink_ops);

	if (!dev)
		return NULL;
	SET_NETDEV_DEV(dev, &port->nic->pdev->dev);
	esim_netdev_set_devlink_port(dev, &port->dl_port);
	dev->ethtool_ops = &esim_ethtool_ops;
	/* Off in legacy mode; the change to switchdev switches it on. */
	dev->hw_features |= NETIF_F_HW_TC;
	eth_hw_addr_set(dev, port->nic->mac);
	netif_carrier_off(dev);
	return dev;
}

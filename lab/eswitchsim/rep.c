// SPDX-License-Identifier: GPL-2.0
/* VF representors. */
#include "compat.h"
#include "ethtool.h"
#include "flower.h"
#include "link.h"
#include "netdev.h"
#include "nic.h"
#include "rep.h"
#include "switch.h"

static int esim_rep_open(struct net_device *dev)
{
	netif_start_queue(dev);
	netif_carrier_on(dev);
	esim_port_update_link(esim_port_of(dev));
	return 0;
}

static int esim_rep_stop(struct net_device *dev)
{
	esim_port_update_link(esim_port_of(dev));
	netif_carrier_off(dev);
	netif_stop_queue(dev);
	return 0;
}

static const struct net_device_ops esim_rep_ops = {
	.ndo_open = esim_rep_open,
	.ndo_stop = esim_rep_stop,
	.ndo_start_xmit = esim_xmit_rep,
	.ndo_get_stats64 = esim_netdev_get_port_stats,
	.ndo_has_offload_stats = esim_netdev_has_offload_stats,
	.ndo_get_offload_stats = esim_netdev_get_offload_stats,
	.ndo_set_features = esim_netdev_set_features,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_setup_tc = esim_setup_tc,
#ifdef ESIM_NDO_DEVLINK_PORT
	.ndo_get_devlink_port = esim_netdev_get_devlink_port,
#endif
};

struct net_device *esim_rep_create(struct esim_port *port)
{
	struct net_device *dev = esim_netdev_alloc(port, "eth%d", &esim_rep_ops);

	if (!dev)
		return NULL;
	/* The parent is the PF, not the VF: that is how systemd names representors. */
	SET_NETDEV_DEV(dev, &port->nic->pdev->dev);
	esim_netdev_set_devlink_port(dev, &port->dl_port);
	dev->ethtool_ops = &esim_rep_ethtool_ops;
	dev->hw_features |= NETIF_F_HW_TC;
	dev->features |= NETIF_F_HW_TC | NETIF_F_VLAN_CHALLENGED;
	esim_set_netns_local(dev, true);
	eth_hw_addr_random(dev);
	netif_carrier_off(dev);
	return dev;
}

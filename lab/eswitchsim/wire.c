// SPDX-License-Identifier: GPL-2.0
/*
 * The wire: a netdev without a PCI parent at the far end of the uplink's cable.
 * It stands for the outside network.
 */
#include "compat.h"
#include "ethtool.h"
#include "link.h"
#include "netdev.h"
#include "nic.h"
#include "switch.h"
#include "wire.h"

static int esim_wire_open(struct net_device *dev)
{
	esim_nic_update_links(esim_port_of(dev)->nic);
	return 0;
}

static int esim_wire_stop(struct net_device *dev)
{
	esim_nic_update_links(esim_port_of(dev)->nic);
	return 0;
}

static const struct net_device_ops esim_wire_ops = {
	.ndo_open = esim_wire_open,
	.ndo_stop = esim_wire_stop,
	.ndo_start_xmit = esim_xmit_func,
	.ndo_get_stats64 = dev_get_tstats64,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
};

struct net_device *esim_wire_create(struct esim_port *port)
{
	struct net_device *dev;
	u8 mac[ETH_ALEN];
	char name[IFNAMSIZ];

	snprintf(name, sizeof(name), "wire%u", port->nic->index);
	dev = esim_netdev_alloc(port, name, &esim_wire_ops);
	if (!dev)
		return NULL;
	dev->ethtool_ops = &esim_wire_ethtool_ops;
	dev->priv_flags |= IFF_NO_QUEUE;
	esim_set_lltx(dev);
	/* The PF's address with the "locally administered" bit. */
	ether_addr_copy(mac, port->nic->mac);
	mac[0] |= 0x02;
	eth_hw_addr_set(dev, mac);
	netif_carrier_off(dev);
	return dev;
}

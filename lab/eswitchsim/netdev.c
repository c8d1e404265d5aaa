// SPDX-License-Identifier: GPL-2.0
/* What all netdevs of a NIC have in common. */
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>

#include "compat.h"
#include "netdev.h"
#include "nic.h"

#define ESIM_FEATURES	(NETIF_F_SG | NETIF_F_FRAGLIST | NETIF_F_HW_CSUM | \
			 NETIF_F_RXCSUM | NETIF_F_SCTP_CRC | NETIF_F_HIGHDMA | \
			 NETIF_F_GSO_SOFTWARE | \
			 NETIF_F_HW_VLAN_CTAG_TX | NETIF_F_HW_VLAN_CTAG_RX | \
			 NETIF_F_HW_VLAN_STAG_TX | NETIF_F_HW_VLAN_STAG_RX)
#define ESIM_VLAN_FEATURES (ESIM_FEATURES & \
			 ~(NETIF_F_HW_VLAN_CTAG_TX | NETIF_F_HW_VLAN_CTAG_RX | \
			   NETIF_F_HW_VLAN_STAG_TX | NETIF_F_HW_VLAN_STAG_RX))
#define ESIM_MAX_MTU	9978

static void esim_netdev_free_stats(struct net_device *dev)
{
	free_percpu(dev->tstats);
	dev->tstats = NULL;
}

struct net_device *esim_netdev_alloc(struct esim_port *port, const char *name,
				     const struct net_device_ops *ops)
{
	struct esim_netdev *priv;
	struct net_device *dev;

	dev = alloc_netdev(sizeof(*priv), name, NET_NAME_ENUM, ether_setup);
	if (!dev)
		return NULL;
	priv = netdev_priv(dev);
	priv->port = port;
	dev->netdev_ops = ops;
	dev->features |= ESIM_FEATURES;
	dev->hw_features |= ESIM_FEATURES;
	dev->vlan_features |= ESIM_VLAN_FEATURES;
	dev->min_mtu = ETH_MIN_MTU;
	dev->max_mtu = ESIM_MAX_MTU;
	return dev;
}

void esim_netdev_set_devlink_port(struct net_device *dev, struct devlink_port *dl_port)
{
	struct esim_netdev *priv = netdev_priv(dev);

	priv->dl_port = dl_port;
#ifndef ESIM_NDO_DEVLINK_PORT
	SET_NETDEV_DEVLINK_PORT(dev, dl_port);
#endif
}

struct devlink_port *esim_netdev_get_devlink_port(struct net_device *dev)
{
	return ((struct esim_netdev *)netdev_priv(dev))->dl_port;
}

int esim_netdev_register(struct net_device *dev)
{
	int err;

	ASSERT_RTNL();
	dev->tstats = netdev_alloc_pcpu_stats(struct pcpu_sw_netstats);
	if (!dev->tstats)
		return -ENOMEM;
	dev->priv_destructor = esim_netdev_free_stats;
	err = register_netdevice(dev);
	/* Not every failure of register_netdevice() runs the destructor. */
	if (err && dev->tstats)
		esim_netdev_free_stats(dev);
#ifdef ESIM_NDO_DEVLINK_PORT
	if (!err && esim_netdev_get_devlink_port(dev))
		devlink_port_type_eth_set(esim_netdev_get_devlink_port(dev), dev);
#endif
	return err;
}

bool esim_netdev_has_offload_stats(const struct net_device *dev, int attr_id)
{
	return attr_id == IFLA_OFFLOAD_XSTATS_CPU_HIT;
}

/* What went through the netdev itself, that is the CPU; the rest went past it. */
int esim_netdev_get_offload_stats(int attr_id, const struct net_device *dev, void *sp)
{
	if (attr_id != IFLA_OFFLOAD_XSTATS_CPU_HIT)
		return -EINVAL;
	memset(sp, 0, sizeof(struct rtnl_link_stats64));
	dev_fetch_sw_netstats(sp, dev->tstats);
	return 0;
}

/*
 * Representor and PF netdev show the counters of the port, hardware included.
 * What comes in from the function end is received, as if the CPU had seen it.
 */
void esim_netdev_get_port_stats(struct net_device *dev, struct rtnl_link_stats64 *stats)
{
	struct esim_port *port = esim_port_of(dev);
	struct esim_size size;

	esim_port_read(port, ESIM_IN, &size);
	stats->rx_packets = size.packets;
	stats->rx_bytes = size.bytes;
	esim_port_read(port, ESIM_OUT, &size);
	stats->tx_packets = size.packets;
	stats->tx_bytes = size.bytes;
	esim_port_read(port, ESIM_DROPPED, &size);
	stats->tx_dropped = size.packets;
}

int esim_netdev_set_features(struct net_device *dev, netdev_features_t features)
{
	struct esim_nic *nic = esim_port_of(dev)->nic;

	if ((dev->features & NETIF_F_HW_TC) && !(features & NETIF_F_HW_TC) &&
	    esim_flow_table_count(&nic->table)) {
		netdev_err(dev, "Active offloaded tc filters, can't turn hw_tc_offload off\n");
		return -EINVAL;
	}
	return 0;
}

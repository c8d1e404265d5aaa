// SPDX-License-Identifier: GPL-2.0
/* Ports of the e-switch: counters, links, and what all netdevs have in common. */
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>

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

int esim_port_init(struct esim_port *port, struct esim_nic *nic, u16 vport)
{
	port->nic = nic;
	port->vport = vport;
	port->counters = netdev_alloc_pcpu_stats(struct esim_counters);
	return port->counters ? 0 : -ENOMEM;
}

void esim_port_free(struct esim_port *port)
{
	free_percpu(port->counters);
}

/* Callers have bottom halves off: the transmit path. */
void esim_port_count(struct esim_port *port, enum esim_counter_id id,
		     const struct esim_size *size)
{
	struct esim_counters *counters = this_cpu_ptr(port->counters);

	u64_stats_update_begin(&counters->syncp);
	u64_stats_add(&counters->c[id].packets, size->packets);
	u64_stats_add(&counters->c[id].bytes, size->bytes);
	u64_stats_update_end(&counters->syncp);
}

void esim_port_read(const struct esim_port *port, enum esim_counter_id id, struct esim_size *sum)
{
	int cpu;

	*sum = (struct esim_size) { };
	for_each_possible_cpu(cpu) {
		const struct esim_counters *counters = per_cpu_ptr(port->counters, cpu);
		u64 packets, bytes;
		unsigned int start;

		do {
			start = u64_stats_fetch_begin(&counters->syncp);
			packets = u64_stats_read(&counters->c[id].packets);
			bytes = u64_stats_read(&counters->c[id].bytes);
		} while (u64_stats_fetch_retry(&counters->syncp, start));
		sum->packets += packets;
		sum->bytes += bytes;
	}
}

static void esim_set_carrier(struct net_device *dev, bool up)
{
	if (up)
		netif_carrier_on(dev);
	else
		netif_carrier_off(dev);
}

/*
 * The cable has link when both of its ends are up. netif_running() instead of
 * IFF_UP, because it is right within ndo_open and ndo_stop already.
 */
static bool esim_uplink_has_link(const struct esim_port *uplink)
{
	const struct net_device *wire = rtnl_dereference(uplink->func);
	const struct net_device *pf = rtnl_dereference(uplink->rep);

	return wire && pf && netif_running(wire) && netif_running(pf);
}

static bool esim_vf_has_link(const struct esim_port *port)
{
	const struct net_device *rep = rtnl_dereference(port->rep);

	/* In switchdev mode the representor decides, whatever "ip link set vf state" says. */
	if (esim_is_switchdev(port->nic))
		return rep && netif_running(rep);
	switch (READ_ONCE(port->vf.link_state)) {
	case IFLA_VF_LINK_STATE_ENABLE:
		return true;
	case IFLA_VF_LINK_STATE_DISABLE:
		return false;
	default:
		return esim_uplink_has_link(&port->nic->uplink);
	}
}

/* Called with rtnl held after anything that a link depends on has changed. */
void esim_port_update_link(struct esim_port *port)
{
	struct net_device *func = rtnl_dereference(port->func);

	ASSERT_RTNL();
	if (func)
		esim_set_carrier(func, esim_vf_has_link(port));
}

void esim_nic_update_links(struct esim_nic *nic)
{
	struct net_device *wire = rtnl_dereference(nic->uplink.func);
	struct net_device *pf = rtnl_dereference(nic->uplink.rep);
	bool up = esim_uplink_has_link(&nic->uplink);
	unsigned int i;

	ASSERT_RTNL();
	if (wire)
		esim_set_carrier(wire, up);
	if (pf)
		esim_set_carrier(pf, up);
	for (i = 0; i < nic->max_vfs; i++)
		esim_port_update_link(&nic->vfs[i]);
}

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

/* Called with rtnl held. On failure the caller frees the netdev. */
int esim_netdev_register(struct net_device *dev)
{
	int err;

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

/* Is it an end that TC may send to: a PF netdev or a representor of this driver? */
bool esim_netdev_is_port(const struct net_device *dev)
{
	return dev->netdev_ops == &esim_uplink_ops || dev->netdev_ops == &esim_rep_ops;
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

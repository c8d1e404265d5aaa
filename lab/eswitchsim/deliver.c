// SPDX-License-Identifier: GPL-2.0
/*
 * Handing a packet over to a netdev at one end of a port.
 *
 * It goes through the per-CPU backlog of netif_rx(), so that no chain of ports,
 * however long, adds to the stack.
 */
#include <linux/netdevice.h>

#include "context.h"
#include "deliver.h"
#include "port.h"

static void esim_count_rx(struct net_device *dev, const struct esim_size *size)
{
	struct pcpu_sw_netstats *stats = this_cpu_ptr(dev->tstats);

	u64_stats_update_begin(&stats->syncp);
	u64_stats_add(&stats->rx_packets, size->packets);
	u64_stats_add(&stats->rx_bytes, size->bytes);
	u64_stats_update_end(&stats->syncp);
}

/* Let a netdev receive the packet. False: it could not, and the packet is gone. */
static bool esim_receive(struct net_device *dev, struct sk_buff *skb,
			 const struct esim_size *size)
{
	esim_assert_bh_off();
	if (!dev || !netif_running(dev) || !netif_carrier_ok(dev)) {
		kfree_skb(skb);
		return false;
	}
	/* Frees the packet itself when it is too long for the device. */
	if (__dev_forward_skb(dev, skb))
		return false;
	if (netif_rx(skb) != NET_RX_SUCCESS)
		return false;
	esim_count_rx(dev, size);
	return true;
}

void esim_deliver_to_func(struct esim_port *port, struct sk_buff *skb,
			  const struct esim_size *size)
{
	if (esim_receive(rcu_dereference(port->func), skb, size))
		esim_port_count(port, ESIM_OUT, size);
	else
		esim_port_count(port, ESIM_DROPPED, size);
}

/* The same for a packet that a rule sends to this port. */
void esim_deliver_by_rule(struct esim_port *port, struct sk_buff *skb,
			  const struct esim_size *size)
{
	if (esim_receive(rcu_dereference(port->func), skb, size)) {
		esim_port_count(port, ESIM_OUT, size);
		esim_port_count(port, ESIM_HW_OUT, size);
	} else {
		esim_port_count(port, ESIM_DROPPED, size);
	}
}

/* No rule knows the packet: let the software behind the representor see it. */
void esim_deliver_to_rep(struct esim_port *port, struct sk_buff *skb,
			 const struct esim_size *size)
{
	if (esim_receive(rcu_dereference(port->rep), skb, size))
		esim_port_count(port, ESIM_SLOW_IN, size);
	else
		esim_port_count(port, ESIM_DROPPED, size);
}

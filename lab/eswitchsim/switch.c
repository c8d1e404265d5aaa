// SPDX-License-Identifier: GPL-2.0
/*
 * The data path of the e-switch: from a function end through the flow table to
 * other function ends, or, on a miss, up to the software end of the same port.
 * All of it runs under rcu_read_lock() with bottom halves off.
 */
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "actions.h"
#include "deliver.h"
#include "legacy.h"
#include "netdev.h"
#include "nic.h"
#include "packet.h"
#include "switch.h"

/* Segments and bytes as they would be on a wire. */
static void esim_skb_size(const struct sk_buff *skb, struct esim_size *size)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);
	unsigned int header, segs;
	struct tcphdr buf;
	const struct tcphdr *tcp;

	*size = (struct esim_size) { .packets = 1, .bytes = skb->len };
	if (!skb_is_gso(skb) || !skb_transport_header_was_set(skb))
		return;
	header = skb_transport_offset(skb);
	if (shinfo->gso_type & (SKB_GSO_TCPV4 | SKB_GSO_TCPV6)) {
		tcp = skb_header_pointer(skb, header, sizeof(buf), &buf);
		header += tcp ? __tcp_hdrlen(tcp) : sizeof(*tcp);
	} else if (shinfo->gso_type & SKB_GSO_UDP_L4) {
		header += sizeof(struct udphdr);
	}
	if (header >= skb->len)
		return;
	segs = shinfo->gso_segs ?: DIV_ROUND_UP(skb->len - header, shinfo->gso_size);
	size->packets = segs;
	size->bytes += (u64)(segs - 1) * header;
}

static void esim_switch_forward(struct esim_port *in, struct sk_buff *skb,
				const struct esim_size *size)
{
	struct esim_rule *rule;
	struct esim_key key;

	esim_packet_key(skb, in->vport, &key);
	rule = esim_flow_table_lookup(&in->nic->table, &key);
	if (!rule) {
		esim_deliver_to_rep(in, skb, size);
		return;
	}
	esim_rule_hit(rule, size);
	esim_port_count(in, ESIM_HW_IN, size);
	esim_actions_run(rule->actions, in, skb, size);
}

/*
 * Bring the packet into the one form that the rest relies on: an Ethernet
 * header in the linear part and the outer VLAN tag in the metadata.
 */
static bool esim_normalise(struct sk_buff *skb)
{
	__be16 proto;
	u16 tci;

	if (!pskb_may_pull(skb, ETH_HLEN))
		return false;
	skb_reset_mac_header(skb);
	skb->protocol = eth_hdr(skb)->h_proto;
	if (skb_vlan_tag_present(skb) || !eth_type_vlan(skb->protocol))
		return true;
	proto = skb->protocol;
	if (!pskb_may_pull(skb, VLAN_ETH_HLEN) || __skb_vlan_pop(skb, &tci))
		return false;
	__vlan_hwaccel_put_tag(skb, proto, tci);
	return true;
}

static void esim_pace(struct net_device *dev, struct esim_port *port,
		      const struct esim_size *size)
{
	struct esim_netdev *priv = netdev_priv(dev);
	u32 mbit = READ_ONCE(port->vf.max_rate);

	if (mbit && !esim_port_is_uplink(port))
		esim_pacer_sent(&priv->pacer, mbit, size->bytes);
}

netdev_tx_t esim_xmit_func(struct sk_buff *skb, struct net_device *dev)
{
	struct esim_port *port = esim_port_of(dev);
	struct esim_size size;

	if (!esim_normalise(skb)) {
		dev_kfree_skb_any(skb);
		return NETDEV_TX_OK;
	}
	esim_skb_size(skb, &size);
	dev_sw_netstats_tx_add(dev, size.packets, size.bytes);
	esim_port_count(port, ESIM_IN, &size);
	esim_pace(dev, port, &size);
	rcu_read_lock();
	if (esim_is_switchdev(port->nic))
		esim_switch_forward(port, skb, &size);
	else
		esim_legacy_from_func(port, skb, &size);
	rcu_read_unlock();
	return NETDEV_TX_OK;
}

netdev_tx_t esim_xmit_rep(struct sk_buff *skb, struct net_device *dev)
{
	struct esim_port *port = esim_port_of(dev);
	struct esim_size size;

	if (!esim_normalise(skb)) {
		dev_kfree_skb_any(skb);
		return NETDEV_TX_OK;
	}
	esim_skb_size(skb, &size);
	dev_sw_netstats_tx_add(dev, size.packets, size.bytes);
	esim_port_count(port, ESIM_SLOW_OUT, &size);
	rcu_read_lock();
	if (esim_is_switchdev(port->nic))
		esim_deliver_to_func(port, skb, &size);
	else
		esim_legacy_from_pf(port, skb, &size);
	rcu_read_unlock();
	return NETDEV_TX_OK;
}

bool esim_is_software_end(const struct net_device *dev)
{
	return dev->netdev_ops->ndo_start_xmit == esim_xmit_rep;
}

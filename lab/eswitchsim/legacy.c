// SPDX-License-Identifier: GPL-2.0
/*
 * Legacy mode: a plain L2 switch by MAC address between VFs, PF and wire, with
 * the per-VF VLAN, spoof check and trust that "ip link set PF vf N" sets.
 */
#include <linux/if_vlan.h>

#include "context.h"
#include "deliver.h"
#include "legacy.h"
#include "nic.h"

/* The one place that a packet must not go back to. */
struct esim_source {
	struct esim_port *port;
	bool pf;		/* it came from the PF netdev, not from the wire */
};

static u64 esim_source_mac(const struct sk_buff *skb)
{
	return ether_addr_to_u64(eth_hdr(skb)->h_source);
}

/* False: the VF may not send this. A VF with a VLAN sends untagged packets only. */
static bool esim_legacy_ingress(const struct esim_port *port, struct sk_buff *skb)
{
	u16 vlan = READ_ONCE(port->vf.vlan);

	if (READ_ONCE(port->vf.spoofchk) && esim_source_mac(skb) != READ_ONCE(port->vf.mac))
		return false;
	if (!vlan)
		return true;
	if (skb_vlan_tag_present(skb))
		return false;
	__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q),
			       vlan | READ_ONCE(port->vf.qos) << VLAN_PRIO_SHIFT);
	return true;
}

/* False: the packet is not of the VF's VLAN. */
static bool esim_legacy_egress(const struct esim_port *port, struct sk_buff *skb)
{
	u16 vlan = READ_ONCE(port->vf.vlan);

	if (!vlan)
		return true;
	if (!skb_vlan_tag_present(skb) || skb_vlan_tag_get_id(skb) != vlan)
		return false;
	__vlan_hwaccel_clear_tag(skb);
	return true;
}

static void esim_legacy_to_vf(struct esim_port *port, struct sk_buff *skb,
			      const struct esim_size *size)
{
	if (!skb)
		return;
	if (esim_legacy_egress(port, skb))
		esim_deliver_to_func(port, skb, size);
	else
		kfree_skb(skb);
}

static bool esim_vf_wants(const struct esim_port *port, const struct sk_buff *skb)
{
	const struct net_device *dev = rcu_dereference(port->func);
	const u8 *dst = eth_hdr(skb)->h_dest;

	if (!dev || !netif_running(dev))
		return false;
	if (is_multicast_ether_addr(dst) || ether_addr_equal(dev->dev_addr, dst))
		return true;
	return READ_ONCE(port->vf.trust) && (dev->flags & IFF_PROMISC);
}

/* Copies for all VFs that want one. True: one of them is the packet's unicast receiver. */
static bool esim_legacy_to_vfs(struct esim_nic *nic, const struct esim_source *source,
			       struct sk_buff *skb, const struct esim_size *size)
{
	unsigned int i, n = READ_ONCE(nic->num_vfs);
	bool found = false;

	for (i = 0; i < n; i++) {
		struct esim_port *port = &nic->vfs[i];
		const struct net_device *dev;

		if (port == source->port || !esim_vf_wants(port, skb))
			continue;
		dev = rcu_dereference(port->func);
		if (dev && ether_addr_equal(dev->dev_addr, eth_hdr(skb)->h_dest))
			found = true;
		esim_legacy_to_vf(port, skb_clone(skb, GFP_ATOMIC), size);
	}
	return found;
}

static void esim_legacy_to_uplink(struct esim_nic *nic, const struct esim_source *source,
				  struct sk_buff *skb, const struct esim_size *size)
{
	const struct net_device *pf = rcu_dereference(nic->uplink.rep);
	const u8 *dst = eth_hdr(skb)->h_dest;
	bool from_wire = source->port == &nic->uplink && !source->pf;

	if (from_wire || (!source->pf && pf && ether_addr_equal(pf->dev_addr, dst))) {
		esim_deliver_to_rep(&nic->uplink, skb, size);
		return;
	}
	if (!source->pf && is_multicast_ether_addr(dst)) {
		struct sk_buff *copy = skb_clone(skb, GFP_ATOMIC);

		if (copy)
			esim_deliver_to_rep(&nic->uplink, copy, size);
	}
	esim_deliver_to_func(&nic->uplink, skb, size);
}

static void esim_legacy_forward(struct esim_nic *nic, const struct esim_source *source,
				struct sk_buff *skb, const struct esim_size *size)
{
	esim_assert_rcu();
	esim_assert_bh_off();
	if (esim_legacy_to_vfs(nic, source, skb, size))
		consume_skb(skb);
	else
		esim_legacy_to_uplink(nic, source, skb, size);
}

void esim_legacy_from_func(struct esim_port *port, struct sk_buff *skb,
			   const struct esim_size *size)
{
	struct esim_source source = { .port = port };

	if (!esim_port_is_uplink(port) && !esim_legacy_ingress(port, skb)) {
		esim_port_count(port, ESIM_DROPPED, size);
		kfree_skb(skb);
		return;
	}
	esim_legacy_forward(port->nic, &source, skb, size);
}

void esim_legacy_from_pf(struct esim_port *uplink, struct sk_buff *skb,
			 const struct esim_size *size)
{
	struct esim_source source = { .port = uplink, .pf = true };

	esim_legacy_forward(uplink->nic, &source, skb, size);
}

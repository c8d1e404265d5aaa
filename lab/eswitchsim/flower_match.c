// SPDX-License-Identifier: GPL-2.0
/*
 * The match of a flower rule. What mlx5 refuses (en_tc.c, __parse_cls_flower())
 * is refused with its text.
 */
#include <linux/if_vlan.h>
#include <net/ipv6.h>

#include "flower.h"
#include "netdev.h"
#include "port.h"

#define ESIM_KEYS	(BIT_ULL(FLOW_DISSECTOR_KEY_META) | \
			 BIT_ULL(FLOW_DISSECTOR_KEY_CONTROL) | \
			 BIT_ULL(FLOW_DISSECTOR_KEY_BASIC) | \
			 BIT_ULL(FLOW_DISSECTOR_KEY_ETH_ADDRS) | \
			 BIT_ULL(FLOW_DISSECTOR_KEY_VLAN) | \
			 BIT_ULL(FLOW_DISSECTOR_KEY_CVLAN) | \
			 BIT_ULL(FLOW_DISSECTOR_KEY_IPV4_ADDRS) | \
			 BIT_ULL(FLOW_DISSECTOR_KEY_IPV6_ADDRS) | \
			 BIT_ULL(FLOW_DISSECTOR_KEY_PORTS) | \
			 BIT_ULL(FLOW_DISSECTOR_KEY_IP) | \
			 BIT_ULL(FLOW_DISSECTOR_KEY_TCP) | \
			 BIT_ULL(FLOW_DISSECTOR_KEY_ICMP))

static void esim_raise(struct esim_match *match, enum esim_match_level level)
{
	match->level = max(match->level, level);
}

/* "indev" may only repeat the port that the rule is on. */
static int esim_parse_meta(const struct net_device *dev, const struct flow_rule *rule,
			   struct netlink_ext_ack *extack)
{
	struct flow_match_meta meta;

	if (!flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_META))
		return 0;
	flow_rule_match_meta(rule, &meta);
	if (!meta.mask->ingress_ifindex)
		return 0;
	if (meta.mask->ingress_ifindex != 0xFFFFFFFF) {
		NL_SET_ERR_MSG_MOD(extack, "Unsupported ingress ifindex mask");
		return -EOPNOTSUPP;
	}
	if (meta.key->ingress_ifindex != dev->ifindex) {
		NL_SET_ERR_MSG_MOD(extack, "Can't match on the ingress filter port");
		return -EOPNOTSUPP;
	}
	return 0;
}

static int esim_parse_vlan(const struct flow_rule *rule, struct esim_match *match,
			   struct netlink_ext_ack *extack)
{
	struct flow_match_vlan vlan;

	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_CVLAN)) {
		flow_rule_match_cvlan(rule, &vlan);
		if (vlan.mask->vlan_id || vlan.mask->vlan_priority || vlan.mask->vlan_tpid) {
			NL_SET_ERR_MSG_MOD(extack, "Matching on CVLAN is not supported");
			return -EOPNOTSUPP;
		}
	}
	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_VLAN)) {
		flow_rule_match_vlan(rule, &vlan);
		match->key.vlan_tpid = vlan.key->vlan_tpid;
		match->mask.vlan_tpid = vlan.mask->vlan_tpid;
		match->key.vlan_tci = htons(vlan.key->vlan_id |
					    vlan.key->vlan_priority << VLAN_PRIO_SHIFT);
		match->mask.vlan_tci = htons(vlan.mask->vlan_id |
					     vlan.mask->vlan_priority << VLAN_PRIO_SHIFT);
		esim_raise(match, ESIM_MATCH_L2);
	} else if (match->mask.eth_type) {
		/* As TC's "protocol": the packet has no tag in front of this type. */
		match->mask.vlan_tpid = htons(0xffff);
	}
	return 0;
}

static void esim_parse_l2(const struct flow_rule *rule, struct esim_match *match)
{
	struct flow_match_eth_addrs eth;
	struct flow_match_basic basic;

	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_BASIC)) {
		flow_rule_match_basic(rule, &basic);
		match->key.eth_type = basic.key->n_proto;
		match->mask.eth_type = basic.mask->n_proto;
		if (basic.mask->n_proto)
			esim_raise(match, ESIM_MATCH_L2);
	}
	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_ETH_ADDRS)) {
		flow_rule_match_eth_addrs(rule, &eth);
		ether_addr_copy(match->key.dst, eth.key->dst);
		ether_addr_copy(match->mask.dst, eth.mask->dst);
		ether_addr_copy(match->key.src, eth.key->src);
		ether_addr_copy(match->mask.src, eth.mask->src);
		if (!is_zero_ether_addr(eth.mask->dst) || !is_zero_ether_addr(eth.mask->src))
			esim_raise(match, ESIM_MATCH_L2);
	}
}

static void esim_parse_fragment(const struct flow_match_control *control,
				struct esim_match *match)
{
	u32 key = control->key->flags, mask = control->mask->flags;

	if (mask & FLOW_DIS_IS_FRAGMENT) {
		match->mask.frag |= ESIM_FRAG;
		if (key & FLOW_DIS_IS_FRAGMENT)
			match->key.frag |= ESIM_FRAG;
		/* "No fragment" needs no deeper look than the Ethernet header, says mlx5. */
		esim_raise(match, key & FLOW_DIS_IS_FRAGMENT ? ESIM_MATCH_L3 : ESIM_MATCH_L2);
	}
	if (mask & FLOW_DIS_FIRST_FRAG) {
		match->mask.frag |= ESIM_FRAG_FIRST;
		if (key & FLOW_DIS_FIRST_FRAG)
			match->key.frag |= ESIM_FRAG_FIRST;
		esim_raise(match, ESIM_MATCH_L3);
	}
}

/* Also says which kind of addresses the keys that follow are, 0: none. */
static int esim_parse_control(const struct flow_rule *rule, struct esim_match *match,
			      u16 *addr_type, struct netlink_ext_ack *extack)
{
	struct flow_match_control control;

	*addr_type = 0;
	if (!flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_CONTROL))
		return 0;
	flow_rule_match_control(rule, &control);
	*addr_type = control.key->addr_type;
	if (control.mask->flags & ~(FLOW_DIS_IS_FRAGMENT | FLOW_DIS_FIRST_FRAG)) {
		NL_SET_ERR_MSG_MOD(extack, "Unsupported match on control.flags");
		return -EOPNOTSUPP;
	}
	esim_parse_fragment(&control, match);
	return 0;
}

static void esim_parse_addresses(const struct flow_rule *rule, u16 addr_type,
				 struct esim_match *match)
{
	if (addr_type == FLOW_DISSECTOR_KEY_IPV4_ADDRS &&
	    flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_IPV4_ADDRS)) {
		struct flow_match_ipv4_addrs ipv4;

		flow_rule_match_ipv4_addrs(rule, &ipv4);
		match->key.ipv4.src = ipv4.key->src;
		match->key.ipv4.dst = ipv4.key->dst;
		match->mask.ipv4.src = ipv4.mask->src;
		match->mask.ipv4.dst = ipv4.mask->dst;
		if (ipv4.mask->src || ipv4.mask->dst)
			esim_raise(match, ESIM_MATCH_L3);
	}
	if (addr_type == FLOW_DISSECTOR_KEY_IPV6_ADDRS &&
	    flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_IPV6_ADDRS)) {
		struct flow_match_ipv6_addrs ipv6;

		flow_rule_match_ipv6_addrs(rule, &ipv6);
		match->key.ipv6.src = ipv6.key->src;
		match->key.ipv6.dst = ipv6.key->dst;
		match->mask.ipv6.src = ipv6.mask->src;
		match->mask.ipv6.dst = ipv6.mask->dst;
		if (!ipv6_addr_any(&ipv6.mask->src) || !ipv6_addr_any(&ipv6.mask->dst))
			esim_raise(match, ESIM_MATCH_L3);
	}
}

static int esim_parse_l3(const struct flow_rule *rule, struct esim_match *match,
			 struct netlink_ext_ack *extack)
{
	struct flow_match_basic basic;
	struct flow_match_ip ip;
	u16 addr_type;
	int err;

	err = esim_parse_control(rule, match, &addr_type, extack);
	if (err)
		return err;
	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_BASIC)) {
		flow_rule_match_basic(rule, &basic);
		match->key.ip_proto = basic.key->ip_proto;
		match->mask.ip_proto = basic.mask->ip_proto;
		if (basic.mask->ip_proto)
			esim_raise(match, ESIM_MATCH_L3);
	}
	esim_parse_addresses(rule, addr_type, match);
	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_IP)) {
		flow_rule_match_ip(rule, &ip);
		match->key.tos = ip.key->tos;
		match->key.ttl = ip.key->ttl;
		match->mask.tos = ip.mask->tos;
		match->mask.ttl = ip.mask->ttl;
		if (ip.mask->tos || ip.mask->ttl)
			esim_raise(match, ESIM_MATCH_L3);
	}
	return 0;
}

static int esim_parse_ports(const struct flow_rule *rule, struct esim_match *match,
			    struct netlink_ext_ack *extack)
{
	struct flow_match_ports ports;

	if (!flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_PORTS))
		return 0;
	flow_rule_match_ports(rule, &ports);
	if (!ports.mask->src && !ports.mask->dst)
		return 0;
	if (match->key.ip_proto != IPPROTO_TCP && match->key.ip_proto != IPPROTO_UDP) {
		NL_SET_ERR_MSG_MOD(extack, "Only UDP and TCP transports are supported for L4 matching");
		return -EINVAL;
	}
	match->key.sport = ports.key->src;
	match->key.dport = ports.key->dst;
	match->mask.sport = ports.mask->src;
	match->mask.dport = ports.mask->dst;
	esim_raise(match, ESIM_MATCH_L4);
	return 0;
}

static void esim_parse_tcp_icmp(const struct flow_rule *rule, struct esim_match *match)
{
	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_TCP)) {
		struct flow_match_tcp tcp;

		flow_rule_match_tcp(rule, &tcp);
		match->key.tcp_flags = tcp.key->flags;
		match->mask.tcp_flags = tcp.mask->flags;
		if (tcp.mask->flags)
			esim_raise(match, ESIM_MATCH_L4);
	}
	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_ICMP)) {
		struct flow_match_icmp icmp;

		flow_rule_match_icmp(rule, &icmp);
		match->key.icmp_type = icmp.key->type;
		match->key.icmp_code = icmp.key->code;
		match->mask.icmp_type = icmp.mask->type;
		match->mask.icmp_code = icmp.mask->code;
		if (icmp.mask->type || icmp.mask->code)
			esim_raise(match, ESIM_MATCH_L4);
	}
}

int esim_parse_match(const struct net_device *dev, struct flow_cls_offload *cls,
		     struct esim_match *match, struct netlink_ext_ack *extack)
{
	const struct flow_rule *rule = flow_cls_offload_flow_rule(cls);
	int err;

	if (cls->common.chain_index) {
		NL_SET_ERR_MSG_MOD(extack, "Requested chain is out of supported range");
		return -EOPNOTSUPP;
	}
	if (rule->match.dissector->used_keys & ~ESIM_KEYS) {
		NL_SET_ERR_MSG_MOD(extack, "Unsupported key");
		netdev_dbg(dev, "Unsupported key used: 0x%llx\n",
			   (unsigned long long)rule->match.dissector->used_keys);
		return -EOPNOTSUPP;
	}
	match->key.in_port = esim_port_of(dev)->vport;
	match->mask.in_port = 0xffff;
	err = esim_parse_meta(dev, rule, extack);
	if (err)
		return err;
	esim_parse_l2(rule, match);
	err = esim_parse_vlan(rule, match, extack);
	if (!err)
		err = esim_parse_l3(rule, match, extack);
	if (!err)
		err = esim_parse_ports(rule, match, extack);
	if (!err)
		esim_parse_tcp_icmp(rule, match);
	return err;
}

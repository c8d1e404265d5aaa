// SPDX-License-Identifier: GPL-2.0
/*
 * The actions of a flower rule. What mlx5 refuses (en/tc/act/ and en_tc.c) is
 * refused with its text.
 */
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tc_act/tc_csum.h>

#include "actions.h"
#include "flower.h"
#include "netdev.h"
#include "nic.h"
#include "switch.h"

#define ESIM_MAX_VLANS	2	/* MLX5_FS_VLAN_DEPTH */

struct esim_action_parser {
	struct net_device *dev;
	const struct esim_match *match;
	struct netlink_ext_ack *extack;
	struct esim_actions *actions;
	struct net_device *outputs[ESIM_MAX_OUTPUTS];
	unsigned int n_outputs;
	unsigned int n_vlans;
	bool drop;
	bool trap;
	bool pops;
	bool mangles;
	bool mangles_ip;
};

static struct esim_action *esim_add_action(struct esim_action_parser *parser,
					   enum esim_action_id id)
{
	struct esim_action *action = &parser->actions->list[parser->actions->n++];

	action->id = id;
	return action;
}

static bool esim_same_switch(const struct net_device *dev, const struct net_device *out)
{
	return esim_is_software_end(out) && esim_port_of(out)->nic == esim_port_of(dev)->nic;
}

static int esim_check_output(struct esim_action_parser *parser, struct net_device *out)
{
	struct netlink_ext_ack *extack = parser->extack;
	struct net_device *dev = parser->dev;
	unsigned int i;

	if (parser->n_outputs >= ESIM_MAX_OUTPUTS) {
		NL_SET_ERR_MSG_MOD(extack, "can't support more output ports, can't offload forwarding");
		netdev_warn(dev, "can't support more than %d output ports, can't offload forwarding\n",
			    parser->n_outputs);
		return -EOPNOTSUPP;
	}
	for (i = 0; i < parser->n_outputs; i++) {
		if (parser->outputs[i] != out)
			continue;
		NL_SET_ERR_MSG_MOD(extack, "can't duplicate output to same device");
		netdev_err(dev, "can't duplicate output to same device: %s\n", out->name);
		return -EOPNOTSUPP;
	}
	if (!esim_same_switch(dev, out)) {
		NL_SET_ERR_MSG_MOD(extack, "devices are not on same switch HW, can't offload forwarding");
		netdev_warn(dev, "devices %s %s not on same switch HW, can't offload forwarding\n",
			    dev->name, out->name);
		return -EOPNOTSUPP;
	}
	if (esim_port_is_uplink(esim_port_of(dev)) && esim_port_is_uplink(esim_port_of(out))) {
		NL_SET_ERR_MSG_MOD(extack, "devices are both uplink, can't offload forwarding");
		return -EOPNOTSUPP;
	}
	return 0;
}

static int esim_parse_output(struct esim_action_parser *parser,
			     const struct flow_action_entry *entry)
{
	struct net_device *out = entry->dev;
	int err;

	if (!out)	/* the device is gone, the filter is replayed */
		return -EOPNOTSUPP;
	err = esim_check_output(parser, out);
	if (err)
		return err;
	parser->outputs[parser->n_outputs++] = out;
	esim_add_action(parser, ESIM_ACTION_OUTPUT)->port = esim_port_of(out);
	return 0;
}

static int esim_parse_vlan_action(struct esim_action_parser *parser,
				  const struct flow_action_entry *entry, enum esim_action_id id)
{
	struct esim_action *action;

	if (id == ESIM_ACTION_VLAN_PUSH && ++parser->n_vlans > ESIM_MAX_VLANS) {
		NL_SET_ERR_MSG_MOD(parser->extack, "Total vlans used is greater than supported");
		return -EOPNOTSUPP;
	}
	action = esim_add_action(parser, id);
	if (id == ESIM_ACTION_VLAN_POP) {
		parser->pops = true;
		return 0;
	}
	action->vlan.proto = entry->vlan.proto;
	action->vlan.tci = entry->vlan.vid | entry->vlan.prio << VLAN_PRIO_SHIFT;
	return 0;
}

/* The fields that the NIC can write, as whole 32-bit words and bits thereof. */
static const struct {
	u8 header;
	u8 first;	/* offset of the first word */
	u8 last;
	__be32 bits;	/* in each of them */
} esim_fields[] = {
	{ FLOW_ACT_MANGLE_HDR_TYPE_ETH, 0, 8, cpu_to_be32(0xffffffff) },	/* addresses */
	{ FLOW_ACT_MANGLE_HDR_TYPE_IP4, 0, 0, cpu_to_be32(0x00ff0000) },	/* TOS */
	{ FLOW_ACT_MANGLE_HDR_TYPE_IP4, 8, 8, cpu_to_be32(0xff000000) },	/* TTL */
	{ FLOW_ACT_MANGLE_HDR_TYPE_IP4, 12, 16, cpu_to_be32(0xffffffff) },	/* addresses */
	{ FLOW_ACT_MANGLE_HDR_TYPE_IP6, 0, 0, cpu_to_be32(0x0ff00000) },	/* traffic class */
	{ FLOW_ACT_MANGLE_HDR_TYPE_IP6, 4, 4, cpu_to_be32(0x000000ff) },	/* hop limit */
	{ FLOW_ACT_MANGLE_HDR_TYPE_IP6, 8, 36, cpu_to_be32(0xffffffff) },	/* addresses */
	{ FLOW_ACT_MANGLE_HDR_TYPE_TCP, 0, 0, cpu_to_be32(0xffffffff) },	/* ports */
	{ FLOW_ACT_MANGLE_HDR_TYPE_UDP, 0, 0, cpu_to_be32(0xffffffff) },
};

static bool esim_can_write(const struct flow_action_entry *entry)
{
	u32 bits = ~entry->mangle.mask;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(esim_fields); i++) {
		if (esim_fields[i].header == entry->mangle.htype &&
		    entry->mangle.offset >= esim_fields[i].first &&
		    entry->mangle.offset <= esim_fields[i].last &&
		    entry->mangle.offset % 4 == 0 &&
		    !(bits & ~(__force u32)esim_fields[i].bits))
			return true;
	}
	return false;
}

static void esim_note_mangle(struct esim_action_parser *parser,
			     const struct flow_action_entry *entry)
{
	parser->mangles = true;
	if (entry->mangle.htype == FLOW_ACT_MANGLE_HDR_TYPE_IP4 ||
	    entry->mangle.htype == FLOW_ACT_MANGLE_HDR_TYPE_IP6)
		parser->mangles_ip = true;
}

static int esim_parse_mangle(struct esim_action_parser *parser,
			     const struct flow_action_entry *entry)
{
	struct esim_action *action;

	if (!esim_can_write(entry)) {
		NL_SET_ERR_MSG_MOD(parser->extack, "attempt to offload an unsupported field");
		return -EOPNOTSUPP;
	}
	esim_note_mangle(parser, entry);
	action = esim_add_action(parser, ESIM_ACTION_MANGLE);
	action->mangle.header = entry->mangle.htype;
	action->mangle.offset = entry->mangle.offset;
	action->mangle.keep = entry->mangle.mask;
	action->mangle.value = entry->mangle.val;
	return 0;
}

/* "pedit ... ttl dec" and nothing else. */
static int esim_parse_add(struct esim_action_parser *parser,
			  const struct flow_action_entry *entry)
{
	bool v4 = entry->mangle.htype == FLOW_ACT_MANGLE_HDR_TYPE_IP4;
	bool v6 = entry->mangle.htype == FLOW_ACT_MANGLE_HDR_TYPE_IP6;
	u32 at = v4 ? offsetof(struct iphdr, ttl) : offsetof(struct ipv6hdr, hop_limit);
	struct esim_action *action;
	u32 only = ~0;

	((u8 *)&only)[at % 4] = 0;
	if ((!v4 && !v6) || entry->mangle.offset != (at & ~3U) || entry->mangle.mask != only) {
		NL_SET_ERR_MSG_MOD(parser->extack, "attempt to offload an unsupported field");
		return -EOPNOTSUPP;
	}
	esim_note_mangle(parser, entry);
	action = esim_add_action(parser, ESIM_ACTION_ADD_TTL);
	action->mangle.header = entry->mangle.htype;
	action->mangle.offset = entry->mangle.offset;
	action->mangle.value = ((u8 *)&entry->mangle.val)[at % 4];
	return 0;
}

/* The NIC corrects checksums with every rewrite; there is nothing else to do. */
static int esim_parse_csum(struct esim_action_parser *parser,
			   const struct flow_action_entry *entry)
{
	u32 known = TCA_CSUM_UPDATE_FLAG_IPV4HDR | TCA_CSUM_UPDATE_FLAG_TCP |
		    TCA_CSUM_UPDATE_FLAG_UDP | TCA_CSUM_UPDATE_FLAG_ICMP;

	if (!parser->mangles) {
		NL_SET_ERR_MSG_MOD(parser->extack, "TC csum action is only offloaded with pedit");
		return -EOPNOTSUPP;
	}
	if (entry->csum_flags & ~known) {
		NL_SET_ERR_MSG_MOD(parser->extack, "can't offload TC csum action for some header/s");
		return -EOPNOTSUPP;
	}
	return 0;
}

static int esim_parse_action(struct esim_action_parser *parser,
			     const struct flow_action_entry *entry)
{
	switch (entry->id) {
	case FLOW_ACTION_REDIRECT:
	case FLOW_ACTION_MIRRED:
		return esim_parse_output(parser, entry);
	case FLOW_ACTION_DROP:
		parser->drop = true;
		esim_add_action(parser, ESIM_ACTION_DROP);
		return 0;
	case FLOW_ACTION_TRAP:
		parser->trap = true;
		esim_add_action(parser, ESIM_ACTION_TRAP);
		return 0;
	case FLOW_ACTION_VLAN_PUSH:
		return esim_parse_vlan_action(parser, entry, ESIM_ACTION_VLAN_PUSH);
	case FLOW_ACTION_VLAN_POP:
		return esim_parse_vlan_action(parser, entry, ESIM_ACTION_VLAN_POP);
	case FLOW_ACTION_VLAN_MANGLE:
		return esim_parse_vlan_action(parser, entry, ESIM_ACTION_VLAN_MODIFY);
	case FLOW_ACTION_MANGLE:
		return esim_parse_mangle(parser, entry);
	case FLOW_ACTION_ADD:
		return esim_parse_add(parser, entry);
	case FLOW_ACTION_CSUM:
		return esim_parse_csum(parser, entry);
	case FLOW_ACTION_ACCEPT:
		return 0;	/* alone it is refused below: neither forward nor drop */
	case FLOW_ACTION_REDIRECT_INGRESS:
		NL_SET_ERR_MSG_MOD(parser->extack, "redirect to ingress is supported only for OVS internal ports");
		return -EOPNOTSUPP;
	case FLOW_ACTION_GOTO:
		NL_SET_ERR_MSG_MOD(parser->extack, "Requested destination chain is out of supported range");
		return -EOPNOTSUPP;
	default:
		NL_SET_ERR_MSG_MOD(parser->extack, "Not implemented offload action");
		return -EOPNOTSUPP;
	}
}

static int esim_check_actions(const struct esim_action_parser *parser)
{
	const struct esim_key *key = &parser->match->key;
	bool ip = key->eth_type == htons(ETH_P_IP) || key->eth_type == htons(ETH_P_IPV6);

	if (!parser->n_outputs && !parser->drop && !parser->trap) {
		NL_SET_ERR_MSG_MOD(parser->extack, "Rule must have at least one forward/drop action");
		return -EOPNOTSUPP;
	}
	if (parser->n_outputs && parser->drop) {
		NL_SET_ERR_MSG_MOD(parser->extack, "Rule cannot support forward+drop action");
		return -EOPNOTSUPP;
	}
	if (parser->mangles && parser->drop) {
		NL_SET_ERR_MSG_MOD(parser->extack, "Drop with modify header action is not supported");
		return -EOPNOTSUPP;
	}
	if (parser->mangles_ip && ip && key->ip_proto != IPPROTO_TCP &&
	    key->ip_proto != IPPROTO_UDP && key->ip_proto != IPPROTO_ICMP &&
	    key->ip_proto != IPPROTO_ICMPV6) {
		NL_SET_ERR_MSG_MOD(parser->extack, "can't offload re-write of non TCP/UDP");
		return -EOPNOTSUPP;
	}
	return 0;
}

struct esim_actions *esim_parse_actions(struct net_device *dev, const struct flow_action *action,
					const struct esim_match *match,
					struct netlink_ext_ack *extack)
{
	struct esim_action_parser parser = { .dev = dev, .match = match, .extack = extack };
	const struct flow_action_entry *entry;
	int i, err = 0;

	parser.actions = kzalloc(struct_size(parser.actions, list, action->num_entries),
				 GFP_KERNEL);
	if (!parser.actions)
		return ERR_PTR(-ENOMEM);
	flow_action_for_each(i, entry, action) {
		err = esim_parse_action(&parser, entry);
		if (err)
			break;
	}
	if (!err)
		err = esim_check_actions(&parser);
	if (err) {
		kfree(parser.actions);
		return ERR_PTR(err);
	}
	return parser.actions;
}

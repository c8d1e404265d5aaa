/* SPDX-License-Identifier: GPL-2.0 */
/* TC flower offload: from a TC filter to a rule, or to a refusal. */
#ifndef ESIM_FLOWER_H
#define ESIM_FLOWER_H

#include <linux/netdevice.h>
#include <net/flow_offload.h>
#include <net/pkt_cls.h>

#include "packet.h"

struct esim_actions;
struct esim_port;

/* How deep a match looks; the e-switch's inline mode may forbid it. */
enum esim_match_level {
	ESIM_MATCH_NONE,
	ESIM_MATCH_L2,
	ESIM_MATCH_L3,
	ESIM_MATCH_L4,
};

struct esim_match {
	struct esim_key key;
	struct esim_key mask;
	enum esim_match_level level;
};

/* flower.c: ndo_setup_tc of PF netdevs and representors */
int esim_setup_tc(struct net_device *dev, enum tc_setup_type type, void *type_data);

/* flower_match.c: 0, or -EOPNOTSUPP with the reason in @extack (may be NULL) */
int esim_parse_match(const struct net_device *dev, struct flow_cls_offload *cls,
		     struct esim_match *match, struct netlink_ext_ack *extack);

/* flower_action.c: the actions, to be freed with kfree(), or an ERR_PTR() */
struct esim_actions *esim_parse_actions(struct net_device *dev, const struct flow_action *action,
					const struct esim_match *match,
					struct netlink_ext_ack *extack);

#endif

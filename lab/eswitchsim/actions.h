/* SPDX-License-Identifier: GPL-2.0 */
/* What a rule does with a packet, in the order in which TC gave it. */
#ifndef ESIM_ACTIONS_H
#define ESIM_ACTIONS_H

#include <linux/skbuff.h>
#include <net/flow_offload.h>

struct esim_port;
struct esim_size;

#define ESIM_MAX_OUTPUTS	32	/* MLX5_MAX_FLOW_FWD_VPORTS */

enum esim_action_id {
	ESIM_ACTION_OUTPUT,
	ESIM_ACTION_DROP,
	ESIM_ACTION_TRAP,	/* up to the representor, as a miss */
	ESIM_ACTION_VLAN_PUSH,
	ESIM_ACTION_VLAN_POP,
	ESIM_ACTION_VLAN_MODIFY,
	ESIM_ACTION_MANGLE,
	ESIM_ACTION_ADD_TTL,
};

/* One 32-bit word of a header, bits as they lie in memory: word = word & keep ^ value. */
struct esim_mangle {
	u8 header;		/* enum flow_action_mangle_base */
	u8 offset;		/* in the header */
	u32 keep;
	u32 value;
};

struct esim_action {
	enum esim_action_id id;
	union {
		struct esim_port *port;
		struct {
			__be16 proto;
			u16 tci;
		} vlan;
		struct esim_mangle mangle;
	};
};

struct esim_actions {
	unsigned int n;
	struct esim_action list[];
};

/* Run a rule's actions; takes the packet. */
void esim_actions_run(const struct esim_actions *actions, struct esim_port *in,
		      struct sk_buff *skb, const struct esim_size *size);

#endif

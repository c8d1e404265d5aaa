// SPDX-License-Identifier: GPL-2.0
/* TC blocks and flower rules: add, delete, read the counters. */
#include "actions.h"
#include "flower.h"
#include "netdev.h"
#include "nic.h"

static LIST_HEAD(esim_block_cb_list);

static struct esim_rule *esim_flower_parse(struct net_device *dev, struct flow_cls_offload *cls,
					   struct esim_match *match,
					   struct netlink_ext_ack *extack)
{
	struct flow_action *action = &flow_cls_offload_flow_rule(cls)->action;
	struct esim_rule *rule;
	int err;

	if (!flow_action_hw_stats_check(action, extack, FLOW_ACTION_HW_STATS_DELAYED_BIT))
		return ERR_PTR(-EOPNOTSUPP);
	err = esim_parse_match(dev, cls, match, extack);
	if (err)
		return ERR_PTR(err);
	rule = esim_rule_alloc();
	if (!rule)
		return ERR_PTR(-ENOMEM);
	rule->actions = esim_parse_actions(dev, action, match, extack);
	if (IS_ERR(rule->actions)) {
		err = PTR_ERR(rule->actions);
		rule->actions = NULL;
		esim_rule_free(rule);
		return ERR_PTR(err);
	}
	rule->key = match->key;
	rule->id.cookie = cls->cookie;
	rule->id.in = esim_port_of(dev);
	return rule;
}

/* What may change from one moment to the next, unless table.lock is held. */
static int esim_flower_allowed(struct net_device *dev, const struct esim_match *match,
			       struct netlink_ext_ack *extack)
{
	struct esim_port *port = esim_port_of(dev);
	struct esim_nic *nic = port->nic;
	u32 max = READ_ONCE(nic->faults.max_flows);

	lockdep_assert_held(&nic->table.lock);
	/* As in mlx5: neither mode's rules while it changes. */
	if (nic->mode_changing) {
		NL_SET_ERR_MSG_MOD(extack, "E-Switch changes its mode");
		return -EBUSY;
	}
	if (!esim_is_switchdev(nic)) {
		NL_SET_ERR_MSG_MOD(extack, "E-Switch is in legacy mode, can't offload");
		return -EOPNOTSUPP;
	}
	if (READ_ONCE(nic->faults.refuse_flows)) {
		NL_SET_ERR_MSG_MOD(extack, "Flow is refused on request (debugfs refuse_flows)");
		return -EOPNOTSUPP;
	}
	if (max && esim_flow_table_count(&nic->table) >= max) {
		NL_SET_ERR_MSG_MOD(extack, "Flow table is full");
		return -ENOSPC;
	}
	if (!esim_port_is_uplink(port) && nic->inline_mode != DEVLINK_ESWITCH_INLINE_MODE_NONE &&
	    nic->inline_mode < match->level) {
		NL_SET_ERR_MSG_MOD(extack, "Flow is not offloaded due to min inline setting");
		netdev_warn(dev, "Flow is not offloaded due to min inline setting, required %d actual %d\n",
			    match->level, nic->inline_mode);
		return -EOPNOTSUPP;
	}
	return 0;
}

static int esim_flower_replace(struct net_device *dev, struct flow_cls_offload *cls)
{
	struct esim_flow_table *table = &esim_port_of(dev)->nic->table;
	struct netlink_ext_ack *extack = cls->common.extack;
	struct esim_match match = { };
	struct esim_rule *rule;
	int err;

	rule = esim_flower_parse(dev, cls, &match, extack);
	if (IS_ERR(rule))
		return PTR_ERR(rule);
	mutex_lock(&table->lock);
	err = esim_flower_allowed(dev, &match, extack);
	if (!err)
		err = esim_flow_table_insert(table, rule, &match.mask, cls->common.prio);
	mutex_unlock(&table->lock);
	if (err)
		esim_rule_free(rule);
	return err;
}

static int esim_flower_destroy(struct net_device *dev, struct flow_cls_offload *cls)
{
	struct esim_rule_id id = { .cookie = cls->cookie, .in = esim_port_of(dev) };
	struct esim_flow_table *table = &esim_port_of(dev)->nic->table;
	struct esim_rule *rule;

	mutex_lock(&table->lock);
	rule = esim_flow_table_find(table, &id);
	if (rule)
		esim_flow_table_remove(table, rule);
	mutex_unlock(&table->lock);
	return rule ? 0 : -ENOENT;
}

/* TC wants what came since it last asked. */
static int esim_flower_stats(struct net_device *dev, struct flow_cls_offload *cls)
{
	struct esim_rule_id id = { .cookie = cls->cookie, .in = esim_port_of(dev) };
	struct esim_flow_table *table = &esim_port_of(dev)->nic->table;
	struct esim_rule *rule;
	struct esim_size sum;

	mutex_lock(&table->lock);
	rule = esim_flow_table_find(table, &id);
	if (rule) {
		esim_rule_read(rule, &sum);
		flow_stats_update(&cls->stats, sum.bytes - rule->reported_bytes,
				  sum.packets - rule->reported_packets, 0,
				  READ_ONCE(rule->last_used), FLOW_ACTION_HW_STATS_DELAYED);
		rule->reported_bytes = sum.bytes;
		rule->reported_packets = sum.packets;
	}
	mutex_unlock(&table->lock);
	return rule ? 0 : -ENOENT;
}

static int esim_block_cb(enum tc_setup_type type, void *type_data, void *cb_priv)
{
	struct flow_cls_offload *cls = type_data;
	struct net_device *dev = cb_priv;

	if (type != TC_SETUP_CLSFLOWER)
		return -EOPNOTSUPP;
	switch (cls->command) {
	case FLOW_CLS_REPLACE:
		if (!tc_can_offload_extack(dev, cls->common.extack))
			return -EOPNOTSUPP;
		return esim_flower_replace(dev, cls);
	case FLOW_CLS_DESTROY:
		return esim_flower_destroy(dev, cls);
	case FLOW_CLS_STATS:
		return esim_flower_stats(dev, cls);
	default:
		return -EOPNOTSUPP;
	}
}

static int esim_setup_block(struct net_device *dev, struct flow_block_offload *block)
{
	struct esim_nic *nic = esim_port_of(dev)->nic;
	int err;

	/* Rules come and go without rtnl; the flow table has a lock of its own. */
	block->unlocked_driver_cb = true;
	err = flow_block_cb_setup_simple(block, &esim_block_cb_list, esim_block_cb, dev, dev, true);
	if (err)
		return err;
	if (block->command == FLOW_BLOCK_BIND)
		atomic_inc(&nic->n_blocks);
	else
		atomic_dec(&nic->n_blocks);
	return 0;
}

int esim_setup_tc(struct net_device *dev, enum tc_setup_type type, void *type_data)
{
	return type == TC_SETUP_BLOCK ? esim_setup_block(dev, type_data) : -EOPNOTSUPP;
}

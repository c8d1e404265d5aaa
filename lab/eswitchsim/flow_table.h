/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The flow table of an e-switch: per mask one hash table, the masks in the
 * order of their TC priority. Read under RCU; writers take the mutex.
 */
#ifndef ESIM_FLOW_TABLE_H
#define ESIM_FLOW_TABLE_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rhashtable.h>
#include <linux/u64_stats_sync.h>
#include <linux/workqueue.h>

#include "packet.h"

struct esim_actions;
struct esim_port;
struct seq_file;

struct esim_flow_table {
	struct mutex lock;
	struct list_head masks;
	struct rhashtable by_cookie;
	unsigned int n_rules;
};

struct esim_mask {
	struct list_head list;
	u32 prio;
	struct esim_key mask;
	unsigned int n_words;		/* of the key, up to the last one with a mask */
	struct rhashtable_params params;
	struct rhltable rules;
	unsigned int n_rules;
	struct rcu_work free_work;
};

struct esim_rule_counter {
	u64_stats_t packets;
	u64_stats_t bytes;
	struct u64_stats_sync syncp;
};

/* TC hands the same cookie to every port of a shared block. */
struct esim_rule_id {
	unsigned long cookie;
	const struct esim_port *in;
};

struct esim_rule {
	struct rhlist_head node;
	struct esim_key key;
	struct rhash_head cookie_node;
	struct esim_rule_id id;
	struct esim_mask *mask;
	struct esim_actions *actions;
	unsigned long last_used;	/* jiffies */
	u64 reported_packets;		/* what TC has been told already */
	u64 reported_bytes;
	struct rcu_head rcu;
	struct esim_rule_counter counters[];	/* one for each CPU */
};

int esim_flow_table_module_init(void);
void esim_flow_table_module_exit(void);

int esim_flow_table_init(struct esim_flow_table *table);
void esim_flow_table_exit(struct esim_flow_table *table);
unsigned int esim_flow_table_count(const struct esim_flow_table *table);
void esim_flow_table_show(struct esim_flow_table *table, struct seq_file *s);

struct esim_rule *esim_rule_alloc(void);
void esim_rule_free(struct esim_rule *rule);

/* Under table->lock. */
int esim_flow_table_insert(struct esim_flow_table *table, struct esim_rule *rule,
			   const struct esim_key *mask, u32 prio);
struct esim_rule *esim_flow_table_find(struct esim_flow_table *table,
				       const struct esim_rule_id *id);
void esim_flow_table_remove(struct esim_flow_table *table, struct esim_rule *rule);
void esim_rule_read(const struct esim_rule *rule, struct esim_size *sum);

/* The data path, under rcu_read_lock(). */
struct esim_rule *esim_flow_table_lookup(struct esim_flow_table *table,
					 const struct esim_key *key);
void esim_rule_hit(struct esim_rule *rule, const struct esim_size *size);

#endif

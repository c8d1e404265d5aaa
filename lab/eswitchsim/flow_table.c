// SPDX-License-Identifier: GPL-2.0
/* The flow table: masks, rules, their counters and their end. */
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "actions.h"
#include "context.h"
#include "flow_table.h"

/* Masks are freed in process context, after a grace period. */
static struct workqueue_struct *esim_wq;

static const struct rhashtable_params esim_cookie_params = {
	.head_offset = offsetof(struct esim_rule, cookie_node),
	.key_offset = offsetof(struct esim_rule, id),
	.key_len = sizeof(struct esim_rule_id),
	.automatic_shrinking = true,
};

int esim_flow_table_module_init(void)
{
	esim_wq = alloc_workqueue("eswitchsim", WQ_UNBOUND, 0);
	return esim_wq ? 0 : -ENOMEM;
}

void esim_flow_table_module_exit(void)
{
	rcu_barrier();
	destroy_workqueue(esim_wq);
}

int esim_flow_table_init(struct esim_flow_table *table)
{
	mutex_init(&table->lock);
	INIT_LIST_HEAD(&table->masks);
	return rhashtable_init(&table->by_cookie, &esim_cookie_params);
}

/* TC has taken back its rules by now, with the netdevs that they were on. */
void esim_flow_table_exit(struct esim_flow_table *table)
{
	WARN_ON(table->n_rules);
	rhashtable_destroy(&table->by_cookie);
	mutex_destroy(&table->lock);
}

unsigned int esim_flow_table_count(const struct esim_flow_table *table)
{
	return READ_ONCE(table->n_rules);
}

struct esim_rule *esim_rule_alloc(void)
{
	struct esim_rule *rule;
	unsigned int cpu;

	rule = kzalloc(struct_size(rule, counters, nr_cpu_ids), GFP_KERNEL);
	if (!rule)
		return NULL;
	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		u64_stats_init(&rule->counters[cpu].syncp);
	rule->last_used = jiffies;
	return rule;
}

void esim_rule_free(struct esim_rule *rule)
{
	kfree(rule->actions);
	kfree(rule);
}

static void esim_rule_free_rcu(struct rcu_head *rcu)
{
	esim_rule_free(container_of(rcu, struct esim_rule, rcu));
}

static void esim_apply_mask(struct esim_key *masked, const struct esim_key *key,
			    const struct esim_mask *mask)
{
	const u64 *from = (const u64 *)key, *bits = (const u64 *)&mask->mask;
	u64 *to = (u64 *)masked;
	unsigned int i;

	for (i = 0; i < mask->n_words; i++)
		to[i] = from[i] & bits[i];
}

static unsigned int esim_key_words(const struct esim_key *mask)
{
	const u64 *bits = (const u64 *)mask;
	unsigned int n = ESIM_KEY_WORDS;

	while (n > 1 && !bits[n - 1])
		n--;
	return n;
}

static struct esim_mask *esim_mask_create(const struct esim_key *key_mask, u32 prio)
{
	struct esim_mask *mask = kzalloc(sizeof(*mask), GFP_KERNEL);
	int err;

	if (!mask)
		return ERR_PTR(-ENOMEM);
	mask->prio = prio;
	mask->mask = *key_mask;
	mask->n_words = esim_key_words(key_mask);
	mask->params = (struct rhashtable_params) {
		.head_offset = offsetof(struct esim_rule, node),
		.key_offset = offsetof(struct esim_rule, key),
		.key_len = mask->n_words * sizeof(u64),
		.automatic_shrinking = true,
	};
	err = rhltable_init(&mask->rules, &mask->params);
	if (err) {
		kfree(mask);
		return ERR_PTR(err);
	}
	return mask;
}

static void esim_mask_free_work(struct work_struct *work)
{
	struct esim_mask *mask = container_of(to_rcu_work(work), struct esim_mask, free_work);

	rhltable_destroy(&mask->rules);
	kfree(mask);
}

static void esim_mask_put(struct esim_mask *mask)
{
	if (mask->n_rules)
		return;
	list_del_rcu(&mask->list);
	INIT_RCU_WORK(&mask->free_work, esim_mask_free_work);
	queue_rcu_work(esim_wq, &mask->free_work);
}

/* The mask's place: behind those of the same priority, before those of a lower one. */
static struct esim_mask *esim_mask_get(struct esim_flow_table *table,
				       const struct esim_key *key_mask, u32 prio)
{
	struct esim_mask *mask;
	struct list_head *before = &table->masks;

	list_for_each_entry(mask, &table->masks, list) {
		if (mask->prio == prio && !memcmp(&mask->mask, key_mask, sizeof(*key_mask)))
			return mask;
		if (mask->prio > prio) {
			before = &mask->list;
			break;
		}
	}
	mask = esim_mask_create(key_mask, prio);
	if (!IS_ERR(mask))
		list_add_tail_rcu(&mask->list, before);
	return mask;
}

/*
 * Equal keys may meet for a while: flower replaces a rule by adding the new one
 * before it takes the old one back. Hence a table of lists, newest rule first.
 */
int esim_flow_table_insert(struct esim_flow_table *table, struct esim_rule *rule,
			   const struct esim_key *key_mask, u32 prio)
{
	struct esim_mask *mask;
	struct esim_key key;
	int err;

	lockdep_assert_held(&table->lock);
	mask = esim_mask_get(table, key_mask, prio);
	if (IS_ERR(mask))
		return PTR_ERR(mask);
	key = rule->key;
	esim_apply_mask(&rule->key, &key, mask);
	rule->mask = mask;
	err = rhashtable_lookup_insert_fast(&table->by_cookie, &rule->cookie_node,
					    esim_cookie_params);
	if (err)
		goto err_mask;
	err = rhltable_insert(&mask->rules, &rule->node, mask->params);
	if (err)
		goto err_cookie;
	mask->n_rules++;
	WRITE_ONCE(table->n_rules, table->n_rules + 1);
	return 0;

err_cookie:
	rhashtable_remove_fast(&table->by_cookie, &rule->cookie_node, esim_cookie_params);
err_mask:
	esim_mask_put(mask);
	return err;
}

struct esim_rule *esim_flow_table_find(struct esim_flow_table *table,
				       const struct esim_rule_id *id)
{
	lockdep_assert_held(&table->lock);
	return rhashtable_lookup_fast(&table->by_cookie, id, esim_cookie_params);
}

void esim_flow_table_remove(struct esim_flow_table *table, struct esim_rule *rule)
{
	struct esim_mask *mask = rule->mask;

	lockdep_assert_held(&table->lock);
	rhashtable_remove_fast(&table->by_cookie, &rule->cookie_node, esim_cookie_params);
	rhltable_remove(&mask->rules, &rule->node, mask->params);
	mask->n_rules--;
	WRITE_ONCE(table->n_rules, table->n_rules - 1);
	esim_mask_put(mask);
	call_rcu(&rule->rcu, esim_rule_free_rcu);
}

struct esim_rule *esim_flow_table_lookup(struct esim_flow_table *table,
					 const struct esim_key *key)
{
	struct rhlist_head *found;
	struct esim_mask *mask;
	struct esim_key masked;

	esim_assert_rcu();
	list_for_each_entry_rcu(mask, &table->masks, list) {
		esim_apply_mask(&masked, key, mask);
		found = rhltable_lookup(&mask->rules, &masked, mask->params);
		if (found)
			return container_of(found, struct esim_rule, node);
	}
	return NULL;
}

void esim_rule_hit(struct esim_rule *rule, const struct esim_size *size)
{
	struct esim_rule_counter *counter = &rule->counters[smp_processor_id()];

	esim_assert_rcu();
	esim_assert_bh_off();
	u64_stats_update_begin(&counter->syncp);
	u64_stats_add(&counter->packets, size->packets);
	u64_stats_add(&counter->bytes, size->bytes);
	u64_stats_update_end(&counter->syncp);
	if (READ_ONCE(rule->last_used) != jiffies)
		WRITE_ONCE(rule->last_used, jiffies);
}

void esim_rule_read(const struct esim_rule *rule, struct esim_size *sum)
{
	unsigned int cpu, start;
	u64 packets, bytes;

	*sum = (struct esim_size) { };
	for_each_possible_cpu(cpu) {
		const struct esim_rule_counter *counter = &rule->counters[cpu];

		do {
			start = u64_stats_fetch_begin(&counter->syncp);
			packets = u64_stats_read(&counter->packets);
			bytes = u64_stats_read(&counter->bytes);
		} while (u64_stats_fetch_retry(&counter->syncp, start));
		sum->packets += packets;
		sum->bytes += bytes;
	}
}

void esim_flow_table_show(struct esim_flow_table *table, struct seq_file *s)
{
	const struct esim_mask *mask;

	mutex_lock(&table->lock);
	seq_printf(s, "rules %u\n", table->n_rules);
	list_for_each_entry(mask, &table->masks, list)
		seq_printf(s, "prio %u rules %u mask %*phN\n", mask->prio, mask->n_rules,
			   (int)sizeof(mask->mask), &mask->mask);
	mutex_unlock(&table->lock);
}

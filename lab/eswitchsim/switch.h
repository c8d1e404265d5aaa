/* SPDX-License-Identifier: GPL-2.0 */
/* The data path. All of it runs under rcu_read_lock() with bottom halves off. */
#ifndef ESIM_SWITCH_H
#define ESIM_SWITCH_H

#include <linux/skbuff.h>

struct esim_port;
struct esim_size;

/* Each takes the packet. */
void esim_switch_output(struct esim_port *port, struct sk_buff *skb,
			const struct esim_size *size);
void esim_switch_to_func(struct esim_port *port, struct sk_buff *skb,
			 const struct esim_size *size);
void esim_switch_miss(struct esim_port *port, struct sk_buff *skb,
		      const struct esim_size *size);

/* legacy.c */
void esim_legacy_from_func(struct esim_port *port, struct sk_buff *skb,
			   const struct esim_size *size);
void esim_legacy_from_pf(struct esim_port *uplink, struct sk_buff *skb,
			 const struct esim_size *size);

#endif

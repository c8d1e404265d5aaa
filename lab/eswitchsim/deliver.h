/* SPDX-License-Identifier: GPL-2.0 */
/* Handing a packet over to a netdev at one end of a port. */
#ifndef ESIM_DELIVER_H
#define ESIM_DELIVER_H

struct esim_port;
struct esim_size;
struct sk_buff;

/* Each takes the packet and counts it. */
void esim_deliver_to_func(struct esim_port *port, struct sk_buff *skb,
			  const struct esim_size *size);
void esim_deliver_by_rule(struct esim_port *port, struct sk_buff *skb,
			  const struct esim_size *size);
void esim_deliver_to_rep(struct esim_port *port, struct sk_buff *skb,
			 const struct esim_size *size);

#endif

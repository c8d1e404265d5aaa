/* SPDX-License-Identifier: GPL-2.0 */
/* Legacy mode: a plain L2 switch. */
#ifndef ESIM_LEGACY_H
#define ESIM_LEGACY_H

struct esim_port;
struct esim_size;
struct sk_buff;

/* Each takes the packet. */
void esim_legacy_from_func(struct esim_port *port, struct sk_buff *skb,
			   const struct esim_size *size);
void esim_legacy_from_pf(struct esim_port *uplink, struct sk_buff *skb,
			 const struct esim_size *size);

#endif

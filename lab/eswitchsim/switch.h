/* SPDX-License-Identifier: GPL-2.0 */
/* The data path: where packets come in. */
#ifndef ESIM_SWITCH_H
#define ESIM_SWITCH_H

#include <linux/netdevice.h>

/* ndo_start_xmit of function ends (VFs and wires) and of software ends (representors, PF netdevs). */
netdev_tx_t esim_xmit_func(struct sk_buff *skb, struct net_device *dev);
netdev_tx_t esim_xmit_rep(struct sk_buff *skb, struct net_device *dev);

/* Is it a PF netdev or a representor of this driver? Any netdev may be asked about. */
bool esim_is_software_end(const struct net_device *dev);

#endif

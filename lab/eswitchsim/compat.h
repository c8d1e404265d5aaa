/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The few places where the kernels of Debian 12 (6.1) and Debian 13 (6.12)
 * differ for this module.
 */
#ifndef ESIM_COMPAT_H
#define ESIM_COMPAT_H

#include <linux/netdevice.h>
#include <linux/version.h>
#include <net/devlink.h>

/* Until 6.11 "stays in its network namespace" and "no tx lock" were features. */
static inline void esim_set_netns_local(struct net_device *dev, bool on)
{
#ifdef NETIF_F_NETNS_LOCAL
	if (on)
		dev->features |= NETIF_F_NETNS_LOCAL;
	else
		dev->features &= ~NETIF_F_NETNS_LOCAL;
#else
	dev->netns_immutable = on;
#endif
}

static inline void esim_set_lltx(struct net_device *dev)
{
#ifdef NETIF_F_LLTX
	dev->features |= NETIF_F_LLTX;
#else
	dev->lltx = true;
#endif
}

/* Since 6.2 the netdev carries its devlink port, before it was an ndo. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define ESIM_NDO_DEVLINK_PORT
#endif

/* Since 6.6 the port function attributes belong to the port, before to the instance. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define ESIM_DEVLINK_PORT_OPS
#endif

#endif

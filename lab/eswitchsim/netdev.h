/* SPDX-License-Identifier: GPL-2.0 */
/* What all netdevs of a NIC have in common. */
#ifndef ESIM_NETDEV_H
#define ESIM_NETDEV_H

#include <linux/netdevice.h>
#include <net/devlink.h>

#include "pacer.h"

struct esim_port;

struct esim_netdev {
	struct esim_port *port;
	struct devlink_port *dl_port;	/* NULL on the wire */
	struct esim_pacer pacer;	/* VF only */
};

static inline struct esim_port *esim_port_of(const struct net_device *dev)
{
	return ((struct esim_netdev *)netdev_priv(dev))->port;
}

struct net_device *esim_netdev_alloc(struct esim_port *port, const char *name,
				     const struct net_device_ops *ops);
void esim_netdev_set_devlink_port(struct net_device *dev, struct devlink_port *dl_port);
struct devlink_port *esim_netdev_get_devlink_port(struct net_device *dev);

/* With rtnl held. On failure the caller frees the netdev. */
int esim_netdev_register(struct net_device *dev);

/* For net_device_ops. */
bool esim_netdev_has_offload_stats(const struct net_device *dev, int attr_id);
int esim_netdev_get_offload_stats(int attr_id, const struct net_device *dev, void *sp);
void esim_netdev_get_port_stats(struct net_device *dev, struct rtnl_link_stats64 *stats);
int esim_netdev_set_features(struct net_device *dev, netdev_features_t features);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A port of the e-switch and the netdevs at its two ends.
 *
 *            function end (func)         software end (rep)
 *   uplink   the wire netdev             the PF netdev
 *   VF n     the VF netdev, if probed    the representor, in switchdev mode
 */
#ifndef ESIM_PORT_H
#define ESIM_PORT_H

#include <linux/etherdevice.h>
#include <linux/hrtimer.h>
#include <linux/if_link.h>
#include <linux/u64_stats_sync.h>
#include <net/devlink.h>

#include "compat.h"

#define ESIM_VPORT_UPLINK	0xffff	/* as in mlx5; VF n is vport n + 1 */

struct esim_nic;

/* What happened at a port, seen from the e-switch. IN comes from the function end. */
enum esim_counter_id {
	ESIM_IN,	/* all packets from the function end */
	ESIM_OUT,	/* all packets to the function end */
	ESIM_HW_IN,	/* of IN: those that hit a rule */
	ESIM_HW_OUT,	/* of OUT: those that a rule sent */
	ESIM_SLOW_IN,	/* of IN: those that went up to the software end */
	ESIM_SLOW_OUT,	/* of OUT: those that the software end sent */
	ESIM_DROPPED,	/* packets for the port that it could not take */
	ESIM_NUM_COUNTERS
};

struct esim_size {
	u64 packets;	/* segments, for a GSO packet */
	u64 bytes;
};

struct esim_counters {
	struct u64_stats_sync syncp;
	struct {
		u64_stats_t packets;
		u64_stats_t bytes;
	} c[ESIM_NUM_COUNTERS];
};

/* VF attributes that the PF administrates. Scalars, as the data path reads them without a lock. */
struct esim_vf_info {
	u64 mac;		/* ether_addr_to_u64(), 0: none */
	u32 max_rate;		/* Mbit/s, 0: no limit */
	u32 min_rate;		/* Mbit/s, remembered and shown only */
	int link_state;		/* IFLA_VF_LINK_STATE_* */
	u16 vlan;
	u8 qos;
	bool spoofchk;
	bool trust;
};

struct esim_port {
	struct esim_nic *nic;
	u16 vport;
	struct net_device __rcu *func;
	struct net_device __rcu *rep;
	struct esim_counters __percpu *counters;
	struct devlink_port dl_port;
	bool dl_registered;
	struct esim_vf_info vf;
};

/* Delays the packets of a VF so that it keeps to max_tx_rate. */
struct esim_pacer {
	spinlock_t lock;	/* sent_until */
	u64 sent_until;		/* ns, when what was sent so far is out at the given rate */
	struct hrtimer timer;
	struct net_device *dev;
};

struct esim_netdev {
	struct esim_port *port;
	struct devlink_port *dl_port;	/* NULL on the wire */
	struct esim_pacer pacer;	/* VF only */
};

static inline struct esim_port *esim_port_of(const struct net_device *dev)
{
	return ((struct esim_netdev *)netdev_priv(dev))->port;
}

static inline bool esim_port_is_uplink(const struct esim_port *port)
{
	return port->vport == ESIM_VPORT_UPLINK;
}

static inline unsigned int esim_port_vf(const struct esim_port *port)
{
	return port->vport - 1;
}

/* port.c */
int esim_port_init(struct esim_port *port, struct esim_nic *nic, u16 vport);
void esim_port_free(struct esim_port *port);
void esim_port_count(struct esim_port *port, enum esim_counter_id id,
		     const struct esim_size *size);
void esim_port_read(const struct esim_port *port, enum esim_counter_id id,
		    struct esim_size *sum);
void esim_port_update_link(struct esim_port *port);
void esim_nic_update_links(struct esim_nic *nic);
struct net_device *esim_netdev_alloc(struct esim_port *port, const char *name,
				     const struct net_device_ops *ops);
void esim_netdev_set_devlink_port(struct net_device *dev, struct devlink_port *dl_port);
struct devlink_port *esim_netdev_get_devlink_port(struct net_device *dev);
int esim_netdev_register(struct net_device *dev);
bool esim_netdev_is_port(const struct net_device *dev);
bool esim_netdev_has_offload_stats(const struct net_device *dev, int attr_id);
int esim_netdev_get_offload_stats(int attr_id, const struct net_device *dev, void *sp);
void esim_netdev_get_port_stats(struct net_device *dev, struct rtnl_link_stats64 *stats);
int esim_netdev_set_features(struct net_device *dev, netdev_features_t features);

/* uplink.c, wire.c, rep.c */
struct net_device *esim_uplink_create(struct esim_port *port);
struct net_device *esim_wire_create(struct esim_port *port);
struct net_device *esim_rep_create(struct esim_port *port);
extern const struct net_device_ops esim_uplink_ops;
extern const struct net_device_ops esim_rep_ops;

/* ethtool.c */
extern const struct ethtool_ops esim_ethtool_ops;
extern const struct ethtool_ops esim_rep_ethtool_ops;
extern const struct ethtool_ops esim_wire_ethtool_ops;

/* pacer.c */
void esim_pacer_init(struct esim_pacer *pacer, struct net_device *dev);
void esim_pacer_stop(struct esim_pacer *pacer);
void esim_pacer_sent(struct esim_pacer *pacer, u32 mbit, u64 bytes);

/* switch.c */
netdev_tx_t esim_xmit_func(struct sk_buff *skb, struct net_device *dev);
netdev_tx_t esim_xmit_rep(struct sk_buff *skb, struct net_device *dev);

#endif

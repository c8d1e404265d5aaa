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
#include <linux/u64_stats_sync.h>
#include <net/devlink.h>

#include "packet.h"
#include "vf_info.h"

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

struct esim_counters {
	struct u64_stats_sync syncp;
	struct {
		u64_stats_t packets;
		u64_stats_t bytes;
	} c[ESIM_NUM_COUNTERS];
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

static inline bool esim_port_is_uplink(const struct esim_port *port)
{
	return port->vport == ESIM_VPORT_UPLINK;
}

static inline unsigned int esim_port_vf(const struct esim_port *port)
{
	return port->vport - 1;
}

int esim_port_init(struct esim_port *port, struct esim_nic *nic, u16 vport);
void esim_port_free(struct esim_port *port);
void esim_port_count(struct esim_port *port, enum esim_counter_id id,
		     const struct esim_size *size);
void esim_port_read(const struct esim_port *port, enum esim_counter_id id,
		    struct esim_size *sum);

#endif

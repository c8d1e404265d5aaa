/* SPDX-License-Identifier: GPL-2.0 */
/* devlink ports of a NIC. All of it wants the devlink lock. */
#ifndef ESIM_DEVLINK_PORT_H
#define ESIM_DEVLINK_PORT_H

#include <net/devlink.h>

struct esim_nic;
struct esim_port;

int esim_devlink_port_add_uplink(struct esim_nic *nic);
int esim_devlink_port_add_vf(struct esim_port *port);
void esim_devlink_port_del(struct esim_port *port);

/* What devlink asks about the function of a port; until 6.6 it asks the instance. */
int esim_devlink_port_get_mac(struct devlink_port *dl_port, u8 *addr, int *len,
			      struct netlink_ext_ack *extack);
int esim_devlink_port_set_mac(struct devlink_port *dl_port, const u8 *addr, int len,
			      struct netlink_ext_ack *extack);

#endif

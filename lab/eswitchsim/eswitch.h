/* SPDX-License-Identifier: GPL-2.0 */
/* The e-switch's mode and its VF vports. All of it wants the devlink lock. */
#ifndef ESIM_ESWITCH_H
#define ESIM_ESWITCH_H

#include <linux/netlink.h>

struct esim_nic;

int esim_eswitch_set_mode(struct esim_nic *nic, u16 mode, struct netlink_ext_ack *extack);
int esim_eswitch_load_vfs(struct esim_nic *nic, unsigned int num_vfs);
void esim_eswitch_unload_vfs(struct esim_nic *nic);

#endif

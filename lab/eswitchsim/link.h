/* SPDX-License-Identifier: GPL-2.0 */
/* Which netdevs have link. */
#ifndef ESIM_LINK_H
#define ESIM_LINK_H

struct esim_nic;
struct esim_port;

/* With rtnl held, after anything that a link depends on has changed. */
void esim_port_update_link(struct esim_port *port);
void esim_nic_update_links(struct esim_nic *nic);

#endif

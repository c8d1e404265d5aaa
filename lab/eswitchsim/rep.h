/* SPDX-License-Identifier: GPL-2.0 */
/* VF representors. */
#ifndef ESIM_REP_H
#define ESIM_REP_H

struct esim_port;
struct net_device;

/* Not registered yet; NULL: no memory. */
struct net_device *esim_rep_create(struct esim_port *port);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* The PF netdev. */
#ifndef ESIM_UPLINK_H
#define ESIM_UPLINK_H

struct esim_port;
struct net_device;

/* Not registered yet; NULL: no memory. */
struct net_device *esim_uplink_create(struct esim_port *port);

#endif

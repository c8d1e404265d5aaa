/* SPDX-License-Identifier: GPL-2.0 */
/* The far end of the uplink's cable. */
#ifndef ESIM_WIRE_H
#define ESIM_WIRE_H

struct esim_port;
struct net_device;

/* Not registered yet; NULL: no memory. */
struct net_device *esim_wire_create(struct esim_port *port);

#endif

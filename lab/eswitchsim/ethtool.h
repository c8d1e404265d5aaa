/* SPDX-License-Identifier: GPL-2.0 */
/* ethtool: driver, link and counters of the netdevs. */
#ifndef ESIM_ETHTOOL_H
#define ESIM_ETHTOOL_H

struct ethtool_ops;

extern const struct ethtool_ops esim_ethtool_ops;
extern const struct ethtool_ops esim_rep_ethtool_ops;
extern const struct ethtool_ops esim_wire_ethtool_ops;

#endif

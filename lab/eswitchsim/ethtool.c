// SPDX-License-Identifier: GPL-2.0
/* ethtool: driver, link and counters of the netdevs. */
#include <linux/ethtool.h>

#include "ethtool.h"
#include "netdev.h"
#include "nic.h"

static void esim_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info,
			 const char *driver)
{
	strscpy(info->driver, driver, sizeof(info->driver));
	strscpy(info->version, ESIM_FW_VERSION, sizeof(info->version));
	snprintf(info->fw_version, sizeof(info->fw_version), "%s (%s)",
		 ESIM_FW_VERSION, ESIM_FW_PSID);
	if (dev->dev.parent)
		strscpy(info->bus_info, dev_name(dev->dev.parent), sizeof(info->bus_info));
}

static void esim_get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	esim_drvinfo(dev, info, ESIM_DRV_NAME);
}

/* mlx5 as well calls its representors' driver something else: mlx5e_rep. */
static void esim_rep_get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	esim_drvinfo(dev, info, ESIM_DRV_NAME "_rep");
}

static void esim_wire_get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	esim_drvinfo(dev, info, ESIM_DRV_NAME "_wire");
}

static int esim_get_link_ksettings(struct net_device *dev, struct ethtool_link_ksettings *cmd)
{
	bool up = netif_carrier_ok(dev);

	ethtool_link_ksettings_zero_link_mode(cmd, supported);
	ethtool_link_ksettings_zero_link_mode(cmd, advertising);
	ethtool_link_ksettings_add_link_mode(cmd, supported, FIBRE);
	ethtool_link_ksettings_add_link_mode(cmd, supported, 100000baseCR4_Full);
	ethtool_link_ksettings_add_link_mode(cmd, advertising, FIBRE);
	ethtool_link_ksettings_add_link_mode(cmd, advertising, 100000baseCR4_Full);
	cmd->base.port = PORT_DA;
	cmd->base.autoneg = AUTONEG_DISABLE;
	cmd->base.speed = up ? SPEED_100000 : SPEED_UNKNOWN;
	cmd->base.duplex = up ? DUPLEX_FULL : DUPLEX_UNKNOWN;
	return 0;
}

static const struct {
	const char *name;
	enum esim_counter_id id;
} esim_stats[] = {
	/* Named from the VF's side of the vport, as mlx5e_rep does. */
	{ "vport_rx", ESIM_IN },
	{ "vport_tx", ESIM_OUT },
	{ "hw_rx", ESIM_HW_IN },
	{ "hw_tx", ESIM_HW_OUT },
	{ "slow_rx", ESIM_SLOW_IN },
	{ "slow_tx", ESIM_SLOW_OUT },
	{ "dropped", ESIM_DROPPED },
};

static int esim_get_sset_count(struct net_device *dev, int sset)
{
	return sset == ETH_SS_STATS ? 2 * ARRAY_SIZE(esim_stats) : -EOPNOTSUPP;
}

static void esim_get_strings(struct net_device *dev, u32 sset, u8 *data)
{
	unsigned int i;

	if (sset != ETH_SS_STATS)
		return;
	for (i = 0; i < ARRAY_SIZE(esim_stats); i++) {
		snprintf(data, ETH_GSTRING_LEN, "%.20s_packets", esim_stats[i].name);
		data += ETH_GSTRING_LEN;
		snprintf(data, ETH_GSTRING_LEN, "%.20s_bytes", esim_stats[i].name);
		data += ETH_GSTRING_LEN;
	}
}

static void esim_get_ethtool_stats(struct net_device *dev, struct ethtool_stats *stats, u64 *data)
{
	struct esim_size size;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(esim_stats); i++) {
		esim_port_read(esim_port_of(dev), esim_stats[i].id, &size);
		*data++ = size.packets;
		*data++ = size.bytes;
	}
}

const struct ethtool_ops esim_ethtool_ops = {
	.get_drvinfo = esim_get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = esim_get_link_ksettings,
	.get_sset_count = esim_get_sset_count,
	.get_strings = esim_get_strings,
	.get_ethtool_stats = esim_get_ethtool_stats,
};

const struct ethtool_ops esim_rep_ethtool_ops = {
	.get_drvinfo = esim_rep_get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = esim_get_link_ksettings,
	.get_sset_count = esim_get_sset_count,
	.get_strings = esim_get_strings,
	.get_ethtool_stats = esim_get_ethtool_stats,
};

const struct ethtool_ops esim_wire_ethtool_ops = {
	.get_drvinfo = esim_wire_get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = esim_get_link_ksettings,
};

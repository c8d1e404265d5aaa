/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A NIC: one PCI physical function with one embedded switch.
 *
 * Locks, outermost first:
 *   PF device lock       sriov_configure, probe and remove (taken by the PCI core)
 *   devlink lock         e-switch mode, number of VFs, devlink ports,
 *                        representors
 *   nic->detach_lock     VF netdevs going away (VF unbind against SR-IOV off)
 *   rtnl                 the func and rep pointers of a port, carriers, VF
 *                        attributes; also held to write the number of VFs
 *   table.lock           the flow table; also held to write the mode, the
 *                        inline and the encapsulation mode
 *   nic->info_lock       the MAC of a VF: both devlink and rtnl set it
 * Mode and number of VFs are written under two of them and may be read under
 * either; without one, as in the data path, by READ_ONCE(). A function that
 * wants a lock to be held says so by an assertion.
 *
 * As in mlx5 the devlink lock is never held over pci_enable_sriov(): the VF
 * driver's probe takes locks of its own.
 */
#ifndef ESIM_NIC_H
#define ESIM_NIC_H

#include <linux/mutex.h>
#include <linux/pci.h>
#include <net/devlink.h>

#include "flow_table.h"
#include "port.h"

#define ESIM_DRV_NAME	"eswitchsim"
#define ESIM_FW_VERSION	"1.0.0"
#define ESIM_FW_PSID	"SIM0000000001"

/* Faults on request, written through debugfs. Zero means no fault. */
struct esim_faults {
	u32 fail_sriov;		/* errno that VF creation fails with */
	u32 max_vfs_created;	/* no more VFs than this come */
	u32 sriov_delay_ms;	/* VF creation takes this much longer */
	u32 refuse_flows;	/* every new rule is refused */
	u32 max_flows;		/* the flow table holds this many rules */
	u32 fail_mode;		/* that many changes to switchdev fail */
	u32 fail_reps;		/* that many representors fail to come */
};

struct esim_nic {
	struct pci_dev *pdev;
	unsigned int index;
	u8 mac[ETH_ALEN];
	u16 mode;			/* enum devlink_eswitch_mode */
	bool mode_changing;		/* to switchdev; no rules until it is through */
	u8 inline_mode;			/* enum devlink_eswitch_inline_mode */
	enum devlink_eswitch_encap_mode encap_mode;
	struct mutex detach_lock;	/* VF netdevs being unregistered */
	struct mutex info_lock;		/* esim_port.vf.mac of all ports */
	struct esim_flow_table table;
	atomic_t n_blocks;		/* TC blocks bound to PF and representors */
	struct esim_port uplink;
	struct esim_port *vfs;		/* max_vfs of them, live as long as the NIC */
	unsigned int max_vfs;
	unsigned int num_vfs;
	struct esim_faults faults;
	struct dentry *debugfs;
};

static inline bool esim_is_switchdev(const struct esim_nic *nic)
{
	return READ_ONCE(nic->mode) == DEVLINK_ESWITCH_MODE_SWITCHDEV;
}

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A NIC: one PCI physical function with one embedded switch.
 *
 * Locks, outermost first:
 *   PF device lock       sriov_configure, probe and remove (taken by the PCI core)
 *   devlink lock         e-switch mode, number of VFs, representors
 *   nic->detach_lock     VF netdevs going away (VF unbind against SR-IOV off)
 *   rtnl                 the func and rep pointers of a port, carriers
 *   table.lock           the flow table; also held to change the mode
 *   nic->info_lock       VF attributes
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
};

struct esim_nic {
	struct pci_dev *pdev;
	unsigned int index;
	u8 mac[ETH_ALEN];
	u16 mode;			/* enum devlink_eswitch_mode */
	u8 inline_mode;			/* enum devlink_eswitch_inline_mode */
	enum devlink_eswitch_encap_mode encap_mode;
	struct mutex detach_lock;	/* VF netdevs being unregistered */
	struct mutex info_lock;		/* esim_port.vf of all ports */
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

/* pf.c */
int esim_pf_probe(struct pci_dev *pdev);
void esim_pf_remove(struct pci_dev *pdev);

/* sriov.c */
int esim_sriov_configure(struct pci_dev *pdev, int num_vfs);
void esim_sriov_disable(struct esim_nic *nic);

/* vf.c */
int esim_vf_probe(struct pci_dev *pdev);
void esim_vf_remove(struct pci_dev *pdev);
void esim_vf_detach_all(struct esim_nic *nic);

/* eswitch.c */
int esim_eswitch_set_mode(struct esim_nic *nic, u16 mode, struct netlink_ext_ack *extack);
int esim_eswitch_load_vfs(struct esim_nic *nic, unsigned int num_vfs);
void esim_eswitch_unload_vfs(struct esim_nic *nic);
int esim_eswitch_set_vf_mac(struct esim_port *port, const u8 *mac);

/* devlink.c */
struct devlink *esim_devlink_alloc(struct pci_dev *pdev);
int esim_devlink_add_uplink(struct esim_nic *nic);
int esim_devlink_add_vf(struct esim_port *port);
void esim_devlink_del_port(struct esim_port *port);

/* debugfs.c */
void esim_debugfs_init(void);
void esim_debugfs_exit(void);
void esim_debugfs_add(struct esim_nic *nic);
void esim_debugfs_del(struct esim_nic *nic);

#endif

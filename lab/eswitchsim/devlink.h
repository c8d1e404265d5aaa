/* SPDX-License-Identifier: GPL-2.0 */
/* The PF's devlink instance. Its private data is a struct esim_nic. */
#ifndef ESIM_DEVLINK_H
#define ESIM_DEVLINK_H

struct devlink;
struct pci_dev;

/* Not registered yet; NULL: no memory. */
struct devlink *esim_devlink_alloc(struct pci_dev *pdev);

#endif

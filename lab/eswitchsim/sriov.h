/* SPDX-License-Identifier: GPL-2.0 */
/* sriov_numvfs: virtual functions come and go. */
#ifndef ESIM_SRIOV_H
#define ESIM_SRIOV_H

struct esim_nic;
struct pci_dev;

int esim_sriov_configure(struct pci_dev *pdev, int num_vfs);
void esim_sriov_disable(struct esim_nic *nic);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* /sys/kernel/debug/eswitchsim/ */
#ifndef ESIM_DEBUGFS_H
#define ESIM_DEBUGFS_H

struct esim_nic;

void esim_debugfs_init(void);
void esim_debugfs_exit(void);
void esim_debugfs_add(struct esim_nic *nic);
void esim_debugfs_del(struct esim_nic *nic);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* In what context the data path runs. Checked on kernels with lockdep only. */
#ifndef ESIM_CONTEXT_H
#define ESIM_CONTEXT_H

#include <linux/rcupdate.h>

#define esim_assert_bh_off() \
	RCU_LOCKDEP_WARN(!rcu_read_lock_bh_held(), "eswitchsim: bottom halves are not off")
#define esim_assert_rcu() \
	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "eswitchsim: not under rcu_read_lock()")

#endif

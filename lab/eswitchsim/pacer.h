/* SPDX-License-Identifier: GPL-2.0 */
/* max_tx_rate of a VF. */
#ifndef ESIM_PACER_H
#define ESIM_PACER_H

#include <linux/hrtimer.h>
#include <linux/netdevice.h>
#include <linux/spinlock.h>

/* Delays the packets of a VF so that it keeps to max_tx_rate. */
struct esim_pacer {
	spinlock_t lock;	/* sent_until */
	u64 sent_until;		/* ns, when what was sent so far is out at the given rate */
	struct hrtimer timer;
	struct net_device *dev;
};

void esim_pacer_init(struct esim_pacer *pacer, struct net_device *dev);
void esim_pacer_stop(struct esim_pacer *pacer);
void esim_pacer_sent(struct esim_pacer *pacer, u32 mbit, u64 bytes);

#endif

// SPDX-License-Identifier: GPL-2.0
/*
 * max_tx_rate of a VF. Each packet takes its time at the given rate; once the
 * VF is ahead by more than a small burst, its queue stops until it is due
 * again. Nothing is dropped here: the qdisc and TCP feel back-pressure, as with
 * the scheduler of a real NIC.
 */
#include <linux/netdevice.h>

#include "pacer.h"

#define ESIM_PACER_BURST_NS	(200 * NSEC_PER_USEC)

static enum hrtimer_restart esim_pacer_due(struct hrtimer *timer)
{
	struct esim_pacer *pacer = container_of(timer, struct esim_pacer, timer);

	netif_wake_queue(pacer->dev);
	return HRTIMER_NORESTART;
}

void esim_pacer_init(struct esim_pacer *pacer, struct net_device *dev)
{
	spin_lock_init(&pacer->lock);
	pacer->dev = dev;
	hrtimer_init(&pacer->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_SOFT);
	pacer->timer.function = esim_pacer_due;
}

/* From ndo_stop: no packet is on its way any more. */
void esim_pacer_stop(struct esim_pacer *pacer)
{
	hrtimer_cancel(&pacer->timer);
	pacer->sent_until = 0;
}

/* Account a packet; @mbit is in Mbit/s and not 0. Runs in ndo_start_xmit. */
void esim_pacer_sent(struct esim_pacer *pacer, u32 mbit, u64 bytes)
{
	u64 now = ktime_get_ns();
	u64 until;

	spin_lock(&pacer->lock);
	until = max(pacer->sent_until, now) + div_u64(bytes * 8 * 1000, mbit);
	pacer->sent_until = until;
	spin_unlock(&pacer->lock);

	if (until <= now + ESIM_PACER_BURST_NS)
		return;
	netif_stop_queue(pacer->dev);
	hrtimer_start(&pacer->timer, ns_to_ktime(until), HRTIMER_MODE_ABS_SOFT);
}

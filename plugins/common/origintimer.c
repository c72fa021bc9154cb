/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "origintimer.h"

struct _OriginTimer {
  OriginTimerFunc func;
  gpointer user_data;
  GThread *thread;

  GMutex lock;
  GCond cond;
  gint64 next;   /* with lock */
  gboolean stop; /* with lock */
};

static gpointer
run (gpointer data)
{
  OriginTimer *timer = data;

  g_mutex_lock (&timer->lock);
  while (!timer->stop) {
    gint64 now = g_get_monotonic_time ();

    if (now < timer->next) {
      g_cond_wait_until (&timer->cond, &timer->lock, timer->next);
      continue;
    }
    /* What is armed while func runs counts, whatever func returns. */
    timer->next = now + G_USEC_PER_SEC;
    g_mutex_unlock (&timer->lock);
    now = timer->func (now, timer->user_data);
    g_mutex_lock (&timer->lock);
    timer->next = MIN (timer->next, now);
  }
  g_mutex_unlock (&timer->lock);
  return NULL;
}

/**
 * origin_timer_new:
 * @func: called on the timer's thread, without a lock held
 *
 * Returns: (transfer full):
 */
OriginTimer *
origin_timer_new (OriginTimerFunc func, gpointer user_data)
{
  OriginTimer *timer = g_new0 (OriginTimer, 1);

  timer->func = func;
  timer->user_data = user_data;
  g_mutex_init (&timer->lock);
  g_cond_init (&timer->cond);
  timer->next = g_get_monotonic_time () + G_USEC_PER_SEC;
  timer->thread = g_thread_new ("origin-timer", run, timer);
  return timer;
}

/**
 * origin_timer_arm:
 *
 * Something is due at @when. Any thread; takes only the timer's own lock.
 */
void
origin_timer_arm (OriginTimer *timer, gint64 when)
{
  g_mutex_lock (&timer->lock);
  if (when < timer->next) {
    timer->next = when;
    g_cond_signal (&timer->cond);
  }
  g_mutex_unlock (&timer->lock);
}

/**
 * origin_timer_free:
 *
 * Waits for the thread. Not from within the function it calls.
 */
void
origin_timer_free (OriginTimer *timer)
{
  if (timer == NULL)
    return;
  g_mutex_lock (&timer->lock);
  timer->stop = TRUE;
  g_cond_signal (&timer->cond);
  g_mutex_unlock (&timer->lock);
  g_thread_join (timer->thread);
  g_cond_clear (&timer->cond);
  g_mutex_clear (&timer->lock);
  g_free (timer);
}

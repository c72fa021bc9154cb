/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* One thread for all deadlines of an origin. */
typedef struct _OriginTimer OriginTimer;

/* Does what is due and returns when it wants to be called again; it is called
 * after a second at the latest. Times are of g_get_monotonic_time(). */
typedef gint64 (*OriginTimerFunc) (gint64 now, gpointer user_data);

OriginTimer *origin_timer_new (OriginTimerFunc func, gpointer user_data);
void origin_timer_arm (OriginTimer *timer, gint64 when);
void origin_timer_free (OriginTimer *timer);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What the kernel says of this process. 0 for what it does not. */

/* Processor time, in seconds. */
double process_get_cpu (void);
/* Resident bytes. */
guint64 process_get_memory (void);
/* Seconds since 1970. */
double process_get_start_time (void);

G_END_DECLS

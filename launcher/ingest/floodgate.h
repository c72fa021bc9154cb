/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Slows down who knocks again and again in vain: each refusal of an address
 * makes the next answer to it later, and time forgives. Memory is bounded: the
 * addresses that knocked longest ago are forgotten. Not thread-safe; times in
 * us, given by the caller. */
typedef struct _Floodgate Floodgate;

Floodgate *floodgate_new (guint max_addresses);
void floodgate_free (Floodgate *gate);
/* How long the answer to @address is held back now; 0 for most. */
gint64 floodgate_get_delay (Floodgate *gate, const char *address, gint64 now);
/* It was refused. */
void floodgate_refused (Floodgate *gate, const char *address, gint64 now);
/* It was let in: forgiven. */
void floodgate_admitted (Floodgate *gate, const char *address);

G_END_DECLS

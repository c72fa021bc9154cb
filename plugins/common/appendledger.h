/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "chunkinfo.h"

G_BEGIN_DECLS

/* Process-wide: tells the origin what the stores of this process have appended.
 * All functions may be called from any thread; listeners are called without a
 * lock held, on the thread that appended, and must not block. */

typedef void (*AppendFunc) (const ChunkInfo *info, gpointer user_data);

/* A store's side: between hold and release, chunks of @link are expected to be
 * appended. Both sides may nest. */
void append_ledger_hold (const char *link);
void append_ledger_release (const char *link);
void append_ledger_appended (const char *link, const ChunkInfo *info);

/* The origin's side. `subscribe` returns an id that is never 0. `is_held` tells
 * whether to wait for appends at all. `release` of the last holder makes
 * is_held FALSE and calls listeners with @info NULL: nothing more will come. */
guint append_ledger_subscribe (const char *link, AppendFunc func,
    gpointer user_data, GDestroyNotify destroy);
void append_ledger_unsubscribe (guint id);
gboolean append_ledger_is_held (const char *link);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cacheindex.h"
#include "cachelayout.h"

G_BEGIN_DECLS

/* What a writer finds when it opens a link. */
typedef struct {
  TrackTable *table; /* NULL if none was stored */
  char *created;     /* as broadcast.json has it, or NULL */
  CacheOrder order;
  guint64 n_records; /* that the index has, those left out too */
} CacheRecovery;

gboolean cache_recovery_run (CacheRecovery *recovery, const CacheFolder *folder,
    int index_fd, GError **error);
void cache_recovery_clear (CacheRecovery *recovery);

G_END_DECLS

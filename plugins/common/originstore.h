/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "httpserver.h"
#include "originbroadcast.h"
#include "originroutes.h"

G_BEGIN_DECLS

/* What the origin serves from the cache folder: media that have left memory,
 * and recordings. Thread-safe; reads the disk, so only for server threads. */
typedef struct _OriginStore OriginStore;

OriginStore *origin_store_new (const char *cache_dir);
void origin_store_free (OriginStore *store);
const char *origin_store_get_dir (OriginStore *store);
void origin_store_sweep (OriginStore *store, gint64 now);

/* Monotonic; 0: not in the last minutes. */
gint64 origin_store_get_last_read (OriginStore *store, const char *link);
void origin_store_forget (OriginStore *store, const char *link);

HttpResponse *origin_store_answer (OriginStore *store, HttpRequest *request,
    const OriginRoute *route, gboolean on_air, gint64 now);
OriginSeed *origin_store_read_seed (
    OriginStore *store, const char *link, guint64 dvr_window, gint64 now);
void origin_seed_free (OriginSeed *seed);

G_END_DECLS

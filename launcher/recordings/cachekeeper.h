/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "broadcasts.h"

G_BEGIN_DECLS

/* Keeps the cache within its budget: clears the links that are archived, out of
 * the DVR window and no longer read; beyond the budget those that are archived,
 * the oldest first; never one that is not. A thread of its own. */
typedef struct _CacheKeeper CacheKeeper;

typedef struct {
  const char *cache_dir;
  const char *state_dir; /* of the archiver */
  const char *max_size;  /* as [cache] max-size has it */
  guint64 dvr_window;    /* ns */
  Broadcasts
      *broadcasts; /* says what is open, and what players read; or NULL */
} CacheKeeperSettings;

CacheKeeper *cache_keeper_new (const CacheKeeperSettings *settings);
void cache_keeper_free (CacheKeeper *keeper);

/* For the operator. */
typedef struct {
  guint64 size;       /* bytes of the cache */
  guint64 budget;     /* that it may have */
  guint64 unarchived; /* bytes that must stay */
  guint64 n_cleared;  /* links, since the start */
} CacheKeeperFigures;
void cache_keeper_get_figures (
    CacheKeeper *keeper, CacheKeeperFigures *figures);

G_END_DECLS

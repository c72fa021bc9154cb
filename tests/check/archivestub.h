/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "archivestore.h"

G_BEGIN_DECLS

/* An archive that opens objects as a test wants it: the files of @dir, or, with
 * @bucket, addresses that tell what was asked for. */
ArchiveStore *archive_stub_new (const char *bucket, const char *dir);
/* Every call fails like that from now on; -1: no more. */
void archive_stub_fail (ArchiveStore *store, int code);
/* Calls wait until they are let go, or cancelled. */
void archive_stub_hold (ArchiveStore *store, gboolean is_held);

G_END_DECLS

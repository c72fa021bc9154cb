/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings.h"

G_BEGIN_DECLS

/* All that `wishcast run` runs. */
typedef struct _Node Node;

/* Blocks until all of it is there. Errors are of many domains and have been
 * made for people. Call gst_init() before. */
Node *node_start (const Settings *settings, GError **error);
/* Interrupts what is on air, so that the next start goes on with it. */
void node_free (Node *node);

G_END_DECLS

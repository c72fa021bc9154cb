/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "nodefigures.h"
#include "overview.h"

G_BEGIN_DECLS

/* Tells all nodes of this one every five seconds, by the table wishcast.node, and
 * hears of them. Two threads: what is collected never waits for the database,
 * of which one that is away only gets the newest when it is back. */
typedef struct _NodeReport NodeReport;

/* @overview: told of all nodes, or NULL: without an API nobody asks, so the
 * others are not read. All that is passed must outlive it. */
NodeReport *node_report_new (
    const NodeFiguresSettings *settings, Overview *overview);
void node_report_free (NodeReport *report);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Writes the text format of Prometheus, version 0.0.4. */
#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Begins a family; its samples follow. @type: "gauge" or "counter". @help: one
 * line without a backslash. */
void metrics_begin (
    GString *text, const char *name, const char *type, const char *help);
/* One sample: pairs of a label's name and value follow, then NULL. Values are
 * escaped. */
void metrics_add (
    GString *text, const char *name, double value, ...) G_GNUC_NULL_TERMINATED;
/* Memory, processor time, files and start of this process, by the names that
 * Prometheus' own clients use. */
void metrics_add_process (GString *text);

G_END_DECLS

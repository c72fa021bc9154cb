/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* A pipeline description: gst-launch syntax with comments and ${variables}.
 *
 * `#` begins a comment at the start of a line or after a space, outside of
 * quotes. ${name} is replaced with the value, escaped so that it stays one
 * value wherever it stands, inside or outside of quotes; ${name:-default} has a
 * default. ${source} alone is replaced as it is: it is a piece of description.
 *
 * Errors are of the domain DESCRIPTION_ERROR, and begin with FILE:LINE. */
#define DESCRIPTION_ERROR (description_error_quark ())
GQuark description_error_quark (void);
typedef enum {
  DESCRIPTION_ERROR_FILE,     /* cannot be read, or is not UTF-8 */
  DESCRIPTION_ERROR_VARIABLE, /* one is not set, or its syntax is wrong */
  DESCRIPTION_ERROR_PIPELINE, /* no such element, property or link */
} DescriptionError;

/* @variables: name (string) -> value (string). (transfer full) */
char *description_expand (
    const char *name, const char *text, GHashTable *variables, GError **error);
char *description_read (
    const char *path, GHashTable *variables, GError **error);
/* A GstPipeline, floating. All or nothing: what gst_parse_launch() would only
 * warn of is an error. */
GstElement *description_launch (
    const char *path, GHashTable *variables, GError **error);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* A pipeline description: gst-launch syntax with comments and ${variables}.
 *
 * `#` begins a comment at the start of a line or after a space, outside of
 * quotes. ${name} is replaced with the value; as (part of) the value of a
 * property, inside or outside of quotes, it can be any text, and stays that one
 * value. Elsewhere, as in caps, it can only be what needs no quotes.
 * ${name:-default} has a default, for unset and for empty; the default NULL leaves
 * the property as it is when nobody sets it. ${source} and ${sink}
 * alone are replaced as they are: they are pieces of description. \${ is a plain
 * ${.
 *
 * Errors are of the domain DESCRIPTION_ERROR, and begin with FILE:LINE. */
#define DESCRIPTION_ERROR (description_error_quark ())
GQuark description_error_quark (void);
typedef enum {
  DESCRIPTION_ERROR_FILE,     /* cannot be read, or is not UTF-8 */
  DESCRIPTION_ERROR_VARIABLE, /* one is not set, or its syntax is wrong */
  DESCRIPTION_ERROR_PIPELINE, /* no such element, property or link */
} DescriptionError;

/* @variables: name (string) -> value (string). The result has the lines of
 * @text. (transfer full) */
char *description_expand (
    const char *name, const char *text, GHashTable *variables, GError **error);
char *description_read (
    const char *path, GHashTable *variables, GError **error);
/* Whether ${@variable} occurs in @text. */
gboolean description_uses (const char *text, const char *variable);
/* @value as it is written behind `property=`: for who makes a ${source}
 * or ${sink}.
 * (transfer full) */
char *description_quote (const char *value);
/* A GstPipeline, floating. All or nothing: what gst_parse_launch() would only
 * warn of is an error. */
GstElement *description_launch (
    const char *path, GHashTable *variables, GError **error);
/* The same of what description_expand() made of the file @name. */
GstElement *description_parse (
    const char *name, const char *expanded, GError **error);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "gcsbucket.h"

G_BEGIN_DECLS

/* What Google's services answer, read. Pure; whatever the text is, each function
 * fills in all that it says or fails with GCS_ERROR_REFUSED, and an error has
 * nothing of the text in it. */

/* A resource "object". */
gboolean gcs_answer_read_object (
    const char *text, gsize length, GcsObject *object, GError **error);
/* A page of a list of objects, whose names must begin with @prefix; adds them to
 * @names. @next: what to ask the next page with, or NULL. (transfer full) */
gboolean gcs_answer_read_names (const char *text, gsize length,
    const char *prefix, GPtrArray *names, char **next, GError **error);
/* Which of @wanted it lacks, separated by ", ", or NULL. (transfer full) */
gboolean gcs_answer_read_permissions (const char *text, gsize length,
    const char *const *wanted, char **missing, GError **error);
/* RFC 6749, 5.1. @seconds: how long it is of use. (transfer full) */
gboolean gcs_answer_read_token (const char *text, gsize length, char **token,
    guint *seconds, GError **error);
/* The e-mail of an account, as the metadata server tells it. (transfer full) */
gboolean gcs_answer_read_email (
    const char *text, gsize length, char **email, GError **error);
/* signBlob. */
GBytes *gcs_answer_read_signature (
    const char *text, gsize length, GError **error);
/* What an answer says of what went wrong, in a form that can be shown: a line,
 * without words so long that they might be a token. NULL if it says nothing that
 * we know to read. (transfer full) */
char *gcs_answer_read_complaint (const char *text, gsize length);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "gcsbucket.h"
#include "gcscredentials-private.h"
#include "gcserror.h"
#include "gcskit.h"
#include "httpstub.h"

G_BEGIN_DECLS

/* A stand-in for all of Google, and the client with a key for it. What fails in
 * here fails the test. */

#define TOKEN "ya29.hunter2"

typedef struct GcsTest GcsTest;
typedef void (*AnswerFunc) (
    GcsTest *f, const StubRequest *request, StubAnswer *answer);

struct GcsTest {
  HttpStub *stub;
  char *url;
  char *key_path;
  GcsCredentials *credentials;
  SoupSession *session;
  GcsBucket *bucket; /* with @credentials */
  /* How the service answers what is not about tokens. NULL: with @status, @body
   * and @headers. */
  AnswerFunc answer;
  guint status;
  const char *body, *headers;
  StubManner manner;
  /* The same of tokens. NULL: with @status or 200, and "TOKEN-N". */
  guint token_status;
  const char *token_body;
  guint token_life;
  GMutex lock;
  GCond changed;
  /* With the lock. */
  GString *log; /* a line a request: method, target, authorization, body */
  GString *token_log;
  guint n_tokens;
  guint n_callers;   /* threads that are about to ask for a token */
  guint n_awaited;   /* of them: before it is answered */
  gboolean is_asked; /* a request has come */
};

/* With credentials; and with a bucket of nobody's. */
void gcs_test_set_up (GcsTest *f, gconstpointer unused);
void gcs_test_set_up_bucket (GcsTest *f, gconstpointer unused);
void gcs_test_tear_down (GcsTest *f, gconstpointer unused);
void gcs_test_make_bucket (GcsTest *f, gboolean is_anonymous);
/* What was asked since the last time, but for tokens. */
void gcs_test_assert_asked (GcsTest *f, const char *expected);
/* An error of GCS_ERROR with this in it, and no secret. */
void gcs_test_assert_told (const GError *error, int code, const char *expected);

G_END_DECLS

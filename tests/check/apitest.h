/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"
#include "archivestub.h"
#include "httpclient.h"
#include "pgkit.h"

G_BEGIN_DECLS

/* The API over a PostgreSQL of the test, whose tables are empty at first but
 * for the games `half-life` and `portal`. */
typedef struct {
  PgKit *pg;
  Broadcasts *broadcasts; /* see broadcaststub.h */
  Keyring *keyring;
  Viewers *viewers;
  Overview *overview; /* empty at first */
  ArchiveStore *store;
  char *archive_dir; /* of the store, if it is a folder; empty at first */
  Api *api;
  guint16 port;
} ApiTest;

#define API_TEST_TOKEN "of the operator, not to be guessed"
#define API_TEST_RTMP_URL "rtmp://live.example.com:1935/live" /* none of RTSP */

/* One cluster serves all tests of a program. */
void api_test_begin (void);
void api_test_end (void);
/* For g_test_add(): set-up waits until the API is ready. @bucket: where its
 * recordings are; NULL: in a folder. */
void api_test_set_up (ApiTest *test, gconstpointer bucket);
void api_test_tear_down (ApiTest *test, gconstpointer unused);

/* A stream key of @game, once the keyring knows it. */
void api_test_add_key (ApiTest *test, StreamKey *key, const char *game);
/* Writes a change of a broadcast, as its node would. */
void api_test_set_state (
    ApiTest *test, const char *link, const char *game, const char *state);
/* @sql ends with a semicolon. */
void api_test_run (ApiTest *test, const char *sql);
/* 200 is expected. (transfer full) */
char *api_test_get (ApiTest *test, const char *path);
void api_test_assert_status (ApiTest *test, const char *path, guint status);
/* Waits until @path answers 200 and has @what in it. */
void api_test_await (ApiTest *test, const char *path, const char *what);
/* Waits until @path answers @status. */
void api_test_await_status (ApiTest *test, const char *path, guint status);
/* The links of the member `broadcasts` of the JSON object @text, in its order,
 * joined by blanks. (transfer full) */
char *api_test_links_of (const char *text);
/* The links of a list, in its order, joined by blanks. (transfer full) */
char *api_test_links (ApiTest *test, const char *path);
/* A member of the JSON object @text, as text: a string or number. (transfer
 * full) */
char *api_test_member (const char *text, const char *name);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* Answers of the API: headers and forms that all of them share. On the thread
 * of the server only. */

#define API_JSON "application/json"
#define API_NO_STORE "no-store"
#define API_TOO_MANY_REQUESTS 429

/* Takes @body. */
void api_answer (SoupServerMessage *message, guint status, const char *type,
    const char *cache_control, char *body);
/* 200 with an ETag, or 304 if the client has it already. Takes @body. */
void api_answer_json (
    SoupServerMessage *message, const char *cache_control, char *body);
/* RFC 9457. @detail is a sentence. */
void api_answer_problem (
    SoupServerMessage *message, guint status, const char *detail);
/* With a member `reason`, a word for programs; or NULL. */
void api_answer_problem_because (SoupServerMessage *message, guint status,
    const char *reason, const char *detail);
/* 503, for who may try again in @seconds. */
void api_answer_later (
    SoupServerMessage *message, guint seconds, const char *detail);
/* 429. */
void api_answer_too_many (SoupServerMessage *message);

/* Keeps a request open, and @message with it. (transfer full) */
SoupServerMessage *api_hold (SoupServerMessage *message);
/* Ends that with the answer that was set, or forgets who is gone. Takes
 * @message. */
void api_release (SoupServerMessage *message);
/* Whether nobody waits for the answer any more. */
gboolean api_is_gone (SoupServerMessage *message);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

#include "api.h"

G_BEGIN_DECLS

/* Who may ask for what is not for everybody: "Authorization: Bearer" with a
 * stream key or the operator's token. Wrong ones are answered later and later,
 * by address. Belongs to the thread of the server. */
typedef struct _ApiGate ApiGate;

typedef enum {
  API_GATE_DEVELOPER = 1 << 0,
  API_GATE_OPERATOR = 1 << 1,
} ApiGateWho;

/* @settings is only read here; its keyring must outlive the gate. */
ApiGate *api_gate_new (const ApiSettings *settings, GMainContext *context);
/* Only once the server is disconnected. */
void api_gate_free (ApiGate *gate);
/* Whether @message bears a token of one of @who: a flag or both. FALSE: it has
 * been answered, or will be: 401, 429, or 503 before the keys are known. @owner: of the stream key; NULL for
 * the operator. (transfer full) */
gboolean api_gate_let_in (ApiGate *gate, SoupServerMessage *message,
    ApiGateWho who, KeyOwner **owner);

G_END_DECLS

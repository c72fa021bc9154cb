/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "apigate.h"

#include <openssl/crypto.h>
#include <string.h>

#include "apianswer.h"
#include "floodgate.h"

/* Refusals that are held back, in all and of one address: who is held back
 * gains nothing by asking at the same time. */
#define MAX_REFUSED 64
#define MAX_REFUSED_OF_ADDRESS 4
/* Addresses that are remembered for wrong tokens, about 100 bytes each. */
#define MAX_ADDRESSES 4096

struct _ApiGate {
  Keyring *keyring; /* or NULL: no key is let in */
  GMainContext *context;
  guint8 token_hash[32]; /* of the operator's */
  gboolean has_token;
  Floodgate *flood;
  GPtrArray *refused; /* of Refusal, owned */
};

/* An answer that is held back. */
typedef struct {
  ApiGate *gate;
  SoupServerMessage *message; /* held */
  char *address;
  GSource *timer;
} Refusal;

static void
refusal_free (gpointer data)
{
  Refusal *refusal = data;

  g_source_destroy (refusal->timer);
  g_source_unref (refusal->timer);
  api_release (refusal->message);
  g_free (refusal->address);
  g_free (refusal);
}

/* --- What is asked with ----------------------------------------------------*/

static const char *
get_token (SoupServerMessage *message)
{
  const char *value = soup_message_headers_get_one (
      soup_server_message_get_request_headers (message), "Authorization");

  if (value == NULL || g_ascii_strncasecmp (value, "Bearer ", 7) != 0)
    return NULL;
  value += strspn (value + 6, " ") + 6;
  return *value != '\0' ? value : NULL;
}

/* Who asks. A proxy on this machine is believed about whom it asks for: the last
 * of the addresses, whatever its client put before it. (transfer full) */
static char *
get_address (SoupServerMessage *message)
{
  GSocketAddress *remote = soup_server_message_get_remote_address (message);
  GInetAddress *peer =
      g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote));
  const char *list = soup_message_headers_get_list (
      soup_server_message_get_request_headers (message), "X-Forwarded-For");
  g_autoptr (GInetAddress) client = NULL;

  if (list != NULL && g_inet_address_get_is_loopback (peer)) {
    const char *comma = strrchr (list, ',');
    g_autofree char *last = g_strdup (comma != NULL ? comma + 1 : list);

    client = g_inet_address_new_from_string (g_strstrip (last));
  }
  return g_inet_address_to_string (client != NULL ? client : peer);
}

static void
hash_token (const char *token, guint8 hash[32])
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  gsize size = 32;

  g_checksum_update (checksum, (const guchar *)token, -1);
  g_checksum_get_digest (checksum, hash, &size);
}

/* Hashes have one length, so the comparison tells nothing of the token's. */
static gboolean
is_operator (ApiGate *gate, const char *token)
{
  guint8 hash[32];

  if (!gate->has_token)
    return FALSE;
  hash_token (token, hash);
  return CRYPTO_memcmp (hash, gate->token_hash, sizeof hash) == 0;
}

/* @owner: (transfer full) */
static gboolean
is_let_in (ApiGate *gate, const char *token, ApiGateWho who, KeyOwner **owner)
{
  if ((who & API_GATE_OPERATOR) && is_operator (gate, token))
    return TRUE;
  return (who & API_GATE_DEVELOPER) && gate->keyring != NULL &&
         keyring_check (gate->keyring, token, g_get_real_time (), owner) ==
             KEY_VALID;
}

/* Of a stream key too much is random for anybody to guess, so its owner is never
 * kept waiting for what others have tried from the same address. */
static gboolean
is_stream_key (const char *token)
{
  StreamKey key;
  gboolean is_key = stream_key_parse (&key, token);

  stream_key_clear (&key);
  return is_key;
}

/* --- Refusing --------------------------------------------------------------*/

static void
answer_unauthorized (SoupServerMessage *message, const char *detail)
{
  api_answer_problem (message, SOUP_STATUS_UNAUTHORIZED, detail);
  soup_message_headers_replace (
      soup_server_message_get_response_headers (message), "WWW-Authenticate",
      "Bearer realm=\"wishcast\"");
}

static void
answer_no_operators (SoupServerMessage *message)
{
  answer_unauthorized (message, "Operators have no token here: name a file "
                                "with one in the configuration, "
                                "as operator-token-file of [api].");
}

static void
answer_no_token (SoupServerMessage *message, ApiGateWho who)
{
  static const char *const details[] = {
      [API_GATE_DEVELOPER] =
          "A stream key is needed, as \"Authorization: Bearer\".",
      [API_GATE_OPERATOR] =
          "The operator's token is needed, as \"Authorization: Bearer\".",
      [API_GATE_DEVELOPER | API_GATE_OPERATOR] =
          "A stream key of the game or the operator's token is needed, as "
          "\"Authorization: Bearer\".",
  };

  answer_unauthorized (message, details[who]);
}

static void
answer_wrong_token (SoupServerMessage *message, ApiGateWho who)
{
  static const char *const details[] = {
      [API_GATE_DEVELOPER] = "This is no valid stream key.",
      [API_GATE_OPERATOR] = "This is not the operator's token.",
      [API_GATE_DEVELOPER | API_GATE_OPERATOR] =
          "This is neither a valid stream key nor the operator's token.",
  };

  answer_unauthorized (message, details[who]);
}

static gboolean
on_held_back (gpointer data)
{
  Refusal *refusal = data;

  g_ptr_array_remove_fast (refusal->gate->refused, refusal);
  return G_SOURCE_REMOVE;
}

static void
hold_back (ApiGate *gate, SoupServerMessage *message, const char *address,
    gint64 delay)
{
  Refusal *refusal = g_new0 (Refusal, 1);

  refusal->gate = gate;
  refusal->message = api_hold (message);
  refusal->address = g_strdup (address);
  refusal->timer = g_timeout_source_new (delay / G_TIME_SPAN_MILLISECOND);
  g_source_set_callback (refusal->timer, on_held_back, refusal, NULL);
  g_source_attach (refusal->timer, gate->context);
  g_ptr_array_add (gate->refused, refusal);
}

static void
refuse (ApiGate *gate, SoupServerMessage *message, ApiGateWho who,
    const char *address)
{
  gint64 now = g_get_monotonic_time ();
  gint64 delay;

  floodgate_refused (gate->flood, address, now);
  delay = floodgate_get_delay (gate->flood, address, now);
  answer_wrong_token (message, who);
  if (delay > 0)
    hold_back (gate, message, address, delay);
}

/* Whether no more refusals are held back, or none of @address. */
static gboolean
is_flood (ApiGate *gate, const char *address)
{
  guint n = 0;

  for (guint i = 0; i < gate->refused->len; i++) {
    const Refusal *refusal = g_ptr_array_index (gate->refused, i);

    n += strcmp (refusal->address, address) == 0;
  }
  return n >= MAX_REFUSED_OF_ADDRESS || gate->refused->len >= MAX_REFUSED;
}

/* --- Public ----------------------------------------------------------------*/

ApiGate *
api_gate_new (const ApiSettings *settings, GMainContext *context)
{
  ApiGate *gate = g_new0 (ApiGate, 1);

  gate->keyring = settings->keyring;
  gate->context = context;
  if (settings->operator_token != NULL) {
    hash_token (settings->operator_token, gate->token_hash);
    gate->has_token = TRUE;
  }
  gate->flood = floodgate_new (MAX_ADDRESSES);
  gate->refused = g_ptr_array_new_with_free_func (refusal_free);
  return gate;
}

void
api_gate_free (ApiGate *gate)
{
  if (gate == NULL)
    return;
  g_ptr_array_unref (gate->refused);
  floodgate_free (gate->flood);
  g_free (gate);
}

gboolean
api_gate_let_in (
    ApiGate *gate, SoupServerMessage *message, ApiGateWho who, KeyOwner **owner)
{
  const char *token = get_token (message);
  g_autofree char *address = get_address (message);
  gboolean flood, is_key;

  *owner = NULL;
  if (who == API_GATE_OPERATOR && !gate->has_token) {
    answer_no_operators (message);
    return FALSE;
  }
  if (token == NULL) {
    answer_no_token (message, who);
    return FALSE;
  }
  flood = is_flood (gate, address);
  is_key = (who & API_GATE_DEVELOPER) && is_stream_key (token);
  if (flood && !is_key) {
    api_answer_too_many (message);
    return FALSE;
  }
  if (is_let_in (gate, token, who, owner)) {
    floodgate_admitted (gate->flood, address);
    return TRUE;
  }
  if (is_key && gate->keyring != NULL && !keyring_is_ready (gate->keyring))
    api_answer_later (message, 2, "The stream keys are not known yet.");
  else if (flood)
    api_answer_too_many (message);
  else
    refuse (gate, message, who, address);
  return FALSE;
}

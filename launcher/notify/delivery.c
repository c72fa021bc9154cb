/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "delivery.h"

G_DEFINE_QUARK (delivery - error, delivery_error)

static void
refusal_free (gpointer data)
{
  DeliveryRefusal *refusal = data;

  g_free (refusal->reason);
  g_free (refusal);
}

void
delivery_result_add_refusal (
    DeliveryResult *result, const WishlistUser *user, const char *reason)
{
  DeliveryRefusal *refusal = g_new0 (DeliveryRefusal, 1);

  refusal->user = user;
  refusal->reason = g_strdup (reason);
  if (result->refusals == NULL)
    result->refusals = g_ptr_array_new_with_free_func (refusal_free);
  g_ptr_array_add (result->refusals, refusal);
}

void
delivery_result_merge (DeliveryResult *result, DeliveryResult *more)
{
  result->sent += more->sent;
  if (result->refusals == NULL)
    result->refusals = g_steal_pointer (&more->refusals);
  else if (more->refusals != NULL)
    g_ptr_array_extend_and_steal (
        result->refusals, g_steal_pointer (&more->refusals));
  more->sent = 0;
}

void
delivery_result_clear (DeliveryResult *result)
{
  g_clear_pointer (&result->refusals, g_ptr_array_unref);
  result->sent = 0;
}

void
delivery_free (Delivery *delivery)
{
  if (delivery != NULL)
    delivery->class->free (delivery);
}

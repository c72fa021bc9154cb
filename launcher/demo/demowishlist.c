/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "demowishlist.h"

/* First and last names of a language take turns; their numbers have no common
 * factor, so that they are combined in all ways before a number comes behind
 * them. Some are written from right to left, some have what is no letter. The
 * last kind has no language, and gets the default text. */
static const char seed[] =
    "WITH kind (k, language, first, last) AS (VALUES\n"
    " (0, 'en', ARRAY['Ada','Grace','Moss','Juniper','Wren','Hazel','Otis'],\n"
    "  ARRAY['O''Neil','Ashdown','Fairweather','Quill','Marlowe']),\n"
    " (1, 'ru', ARRAY['Алиса','Борис','Вера','Глеб','Злата','Лев','Мила'],\n"
    "  ARRAY['Ёлкина','Ким','Черных','Мороз','Шевченко']),\n"
    " (2, 'de', ARRAY['Jörg','Änne','Kläre','Uwe','Sören','Käthe','Björn'],\n"
    "  ARRAY['Groß','Müller-Lüdenscheidt','Weiß','König','Süß']),\n"
    " (3, 'ar', ARRAY['ليلى','يوسف','مريم','عمر','نور','سلمى','زياد'],\n"
    "  ARRAY['الحداد','النجار','منصور','الشامي','قاسم']),\n"
    " (4, NULL, ARRAY['🦊 Foxglove','🚀 Comet','Pixel',\n"
    "   '👩‍🚀 Nova','Echo','🐙 Ink','Zéphyr'],\n"
    "  ARRAY['🎮','42','& Co','<3','\"Ace\"']))\n"
    "INSERT INTO wishcast.wishlist (game, user_id, username, language)\n"
    "SELECT g.id, 'player-' || lpad (n::text, 4, '0'),\n"
    "  first[1 + n / 5 % 7] || ' ' || last[1 + n / 5 % 5] ||\n"
    "  CASE WHEN n >= 175 THEN ' ' || n / 175 + 1 ELSE '' END,\n"
    "  language\n"
    "FROM wishcast.game g, generate_series (0, $1::integer - 1) n\n"
    "JOIN kind ON k = n % 5";

gboolean
demo_wishlist_add (PgConnection *connection, GError **error)
{
  const char *values[] = {G_STRINGIFY (DEMO_N_PLAYERS)};
  g_autoptr (PgRows) rows = pg_connection_query (
      connection, seed, G_N_ELEMENTS (values), values, error);

  return rows != NULL;
}

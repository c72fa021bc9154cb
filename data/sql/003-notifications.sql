-- SPDX-License-Identifier: LGPL-2.1-or-later
--
-- Who is to be told of which broadcast, and how far that has come.

-- In the place of the store's own: `[wishlist] query` reads this one unless the
-- configuration has another.
CREATE TABLE wishcast.wishlist (
  game text NOT NULL REFERENCES wishcast.game ON DELETE CASCADE,
  user_id text NOT NULL CHECK (user_id <> ''),
  username text NOT NULL,
  language text, -- BCP 47; NULL: the default template
  PRIMARY KEY (game, user_id)
);

-- One a broadcast, for ever: whoever is in here is never filed again. Progress
-- is a cursor, not a row a user: a million of those cost seconds.
CREATE TABLE wishcast.notification_job (
  id uuid PRIMARY KEY, -- of the broadcast, whose row may come later
  link text NOT NULL UNIQUE,
  game text NOT NULL,
  state text NOT NULL
    CHECK (state IN ('pending', 'running', 'done', 'cancelled', 'skipped')),
  reason text, -- skipped: quiet, hidden, ended; cancelled: operator, disabled
  created_at timestamptz NOT NULL,
  started_at timestamptz,
  finished_at timestamptz,
  node text,               -- that works on it
  lease_until timestamptz, -- NULL: nobody does
  next_at timestamptz NOT NULL DEFAULT now (), -- not before, after a failure
  failures integer NOT NULL DEFAULT 0,         -- in a row
  problem text,                                -- the last of them
  cursor text,                -- the last user of the last page that was delivered
  pages bigint NOT NULL DEFAULT 0,
  sent bigint NOT NULL DEFAULT 0,
  -- Those of wishcast.notification_refused once more, instead of the wishlist.
  retrying boolean NOT NULL DEFAULT false,
  total bigint -- on the wishlist when it began, where that can be counted
);
CREATE INDEX ON wishcast.notification_job (next_at)
  WHERE state IN ('pending', 'running');
CREATE INDEX ON wishcast.notification_job (game, created_at DESC);

-- Whom the receiver does not take, for good.
CREATE TABLE wishcast.notification_refused (
  job uuid NOT NULL REFERENCES wishcast.notification_job ON DELETE CASCADE,
  user_id text NOT NULL,
  username text NOT NULL,
  language text,
  reason text NOT NULL,
  refused_at timestamptz NOT NULL DEFAULT now (),
  PRIMARY KEY (job, user_id)
);

-- Files the job of a broadcast, once. @p_at is when it became playable, perhaps
-- long before this is written. Returns what became of it: filed, filed-before,
-- quiet, late (over before this was written), no-game.
CREATE FUNCTION wishcast.file_notification (
  p_id uuid, p_link text, p_game text, p_at timestamptz, p_quiet interval)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_state text := 'pending';
  v_reason text;
BEGIN
  IF NOT EXISTS (SELECT FROM wishcast.game WHERE id = p_game) THEN
    RETURN 'no-game';
  END IF;
  -- Of two broadcasts of a game at a time, one is told of.
  PERFORM pg_advisory_xact_lock (hashtext ('wishcast.notify.' || p_game));
  IF EXISTS (SELECT FROM wishcast.notification_job WHERE link = p_link) THEN
    RETURN 'filed-before';
  END IF;
  IF EXISTS (SELECT FROM wishcast.broadcast
             WHERE link = p_link AND state = 'ended') THEN
    v_state := 'skipped';
    v_reason := 'ended';
  ELSIF EXISTS (SELECT FROM wishcast.notification_job
                WHERE game = p_game AND state <> 'skipped'
                  AND created_at > p_at - p_quiet) THEN
    v_state := 'skipped';
    v_reason := 'quiet';
  END IF;
  INSERT INTO wishcast.notification_job (id, link, game, state, reason,
      created_at, finished_at)
    VALUES (p_id, p_link, p_game, v_state, v_reason, p_at,
            CASE WHEN v_state = 'skipped' THEN now () END)
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RETURN 'filed-before';
  END IF;
  IF v_state = 'pending' THEN
    PERFORM pg_notify ('wishcast_jobs', p_link);
    RETURN 'filed';
  END IF;
  RETURN CASE v_reason WHEN 'quiet' THEN 'quiet' ELSE 'late' END;
END $$;

-- Takes one job to work on. A job whose broadcast has no row yet waits for it;
-- one of a hidden broadcast or a rehearsal, or of one that is over before
-- anybody was told, is skipped. One that the node has already is its own of
-- before it was killed, or lost the database. No row: there is nothing to do now.
CREATE FUNCTION wishcast.lease_notification (p_node text, p_lease interval)
RETURNS SETOF wishcast.notification_job LANGUAGE plpgsql AS $$
BEGIN
  UPDATE wishcast.notification_job j SET
    state = 'skipped',
    reason = CASE WHEN b.visibility <> 'public' THEN 'hidden' ELSE 'ended' END,
    finished_at = now ()
  FROM wishcast.broadcast b
  WHERE b.link = j.link AND j.state = 'pending' AND j.pages = 0
    AND (b.visibility <> 'public' OR b.state = 'ended');
  RETURN QUERY
    UPDATE wishcast.notification_job SET
      state = 'running',
      node = p_node,
      lease_until = now () + p_lease,
      started_at = coalesce (started_at, now ())
    WHERE id = (
      SELECT j.id FROM wishcast.notification_job j
      JOIN wishcast.broadcast b ON b.link = j.link
      WHERE j.state IN ('pending', 'running') AND j.next_at <= now ()
        AND (j.lease_until IS NULL OR j.lease_until < now ()
             OR j.node = p_node)
      ORDER BY j.next_at LIMIT 1
      FOR UPDATE OF j SKIP LOCKED)
    RETURNING *;
END $$;

-- A page was delivered up to @p_cursor (NULL: nobody was left). @p_refused: whom
-- the receiver does not take, [{user_id, username, language, reason}]. FALSE: the
-- job is not this node's any more, or was cancelled: stop.
CREATE FUNCTION wishcast.advance_notification (
  p_id uuid, p_node text, p_pages bigint, p_cursor text, p_sent bigint,
  p_refused jsonb, p_lease interval, p_done boolean)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  j wishcast.notification_job;
BEGIN
  SELECT * INTO j FROM wishcast.notification_job
    WHERE id = p_id AND node = p_node AND state = 'running'
      AND pages = p_pages FOR UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  IF j.retrying THEN
    DELETE FROM wishcast.notification_refused
      WHERE job = p_id AND (j.cursor IS NULL OR user_id > j.cursor)
        AND (p_done OR user_id <= p_cursor);
  END IF;
  INSERT INTO wishcast.notification_refused
      (job, user_id, username, language, reason)
    SELECT DISTINCT ON (user_id) p_id, user_id, username, language, reason
    FROM jsonb_to_recordset (p_refused) AS r
      (user_id text, username text, language text, reason text)
    ON CONFLICT (job, user_id) DO UPDATE SET
      reason = EXCLUDED.reason, refused_at = now ();
  UPDATE wishcast.notification_job SET
    cursor = coalesce (p_cursor, cursor),
    pages = pages + 1,
    sent = sent + p_sent,
    failures = 0,
    problem = NULL,
    state = CASE WHEN p_done THEN 'done' ELSE state END,
    retrying = retrying AND NOT p_done,
    finished_at = CASE WHEN p_done THEN now () END,
    lease_until = CASE WHEN NOT p_done THEN now () + p_lease END
  WHERE id = p_id;
  RETURN true;
END $$;

-- The job waits for @p_wait, or is given up with a reason.
CREATE FUNCTION wishcast.postpone_notification (
  p_id uuid, p_node text, p_problem text, p_wait interval, p_give_up text)
RETURNS void LANGUAGE sql AS $$
  UPDATE wishcast.notification_job SET
    lease_until = NULL,
    next_at = now () + p_wait,
    failures = failures + 1,
    problem = p_problem,
    state = CASE WHEN p_give_up IS NULL THEN 'pending' ELSE 'cancelled' END,
    reason = p_give_up,
    finished_at = CASE WHEN p_give_up IS NOT NULL THEN now () END
  WHERE id = p_id AND node = p_node AND state = 'running'
$$;

-- The node goes: the job is anybody's, as far as it has come.
CREATE FUNCTION wishcast.release_notification (p_id uuid, p_node text)
RETURNS void LANGUAGE sql AS $$
  UPDATE wishcast.notification_job SET node = NULL, lease_until = NULL
    WHERE id = p_id AND node = p_node AND state = 'running';
  SELECT pg_notify ('wishcast_jobs', '');
$$;

-- Stops a job for good, as far as it has come. FALSE: there is none to stop.
CREATE FUNCTION wishcast.cancel_notification (p_link text)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE wishcast.notification_job SET
    state = 'cancelled', reason = 'operator', lease_until = NULL,
    finished_at = now ()
  WHERE link = p_link AND state IN ('pending', 'running');
  RETURN FOUND;
END $$;

-- Takes a job up again: one that was cancelled, from where it stopped; one that
-- waits, now; one that is done, for those who were refused. FALSE: there is
-- nothing to take up.
CREATE FUNCTION wishcast.retry_notification (p_link text)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  j wishcast.notification_job;
BEGIN
  SELECT * INTO j FROM wishcast.notification_job
    WHERE link = p_link FOR UPDATE;
  IF NOT FOUND OR j.state IN ('running', 'skipped') OR (j.state = 'done' AND
      NOT EXISTS (SELECT FROM wishcast.notification_refused
                  WHERE job = j.id)) THEN
    RETURN false;
  END IF;
  UPDATE wishcast.notification_job SET
    state = 'pending',
    reason = NULL,
    retrying = j.retrying OR j.state = 'done',
    cursor = CASE WHEN j.state <> 'done' THEN cursor END,
    next_at = now (),
    finished_at = NULL
  WHERE id = j.id;
  PERFORM pg_notify ('wishcast_jobs', p_link);
  RETURN true;
END $$;

-- Users a second since it began; NULL before it has begun.
CREATE FUNCTION wishcast.notification_rate (j wishcast.notification_job)
RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN j.started_at IS NOT NULL THEN
    round (j.sent / greatest (extract (epoch FROM
      coalesce (j.finished_at, now ()) - j.started_at), 0.001), 1) END
$$;

-- A job as the API gives it (openapi.json, "Notification").
CREATE FUNCTION wishcast.notification_json (j wishcast.notification_job)
RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object (
    'link', j.link,
    'game', j.game,
    'state', j.state,
    'reason', j.reason,
    'retrying', j.retrying,
    'createdAt', wishcast.json_time (j.created_at),
    'startedAt', wishcast.json_time (j.started_at),
    'finishedAt', wishcast.json_time (j.finished_at),
    'node', j.node,
    'sent', j.sent,
    'refused', r.n,
    'total', j.total,
    'left', CASE WHEN j.state IN ('pending', 'running')
                   AND j.total IS NOT NULL
                 THEN greatest (j.total - j.sent - r.n, 0) END,
    'rate', wishcast.notification_rate (j),
    'secondsLeft', CASE WHEN j.state = 'running'
                          AND j.total IS NOT NULL THEN
      ceil (greatest (j.total - j.sent - r.n, 0) /
            nullif (wishcast.notification_rate (j), 0)) END,
    'failures', j.failures,
    'problem', j.problem,
    'nextAt', CASE WHEN j.state = 'pending'
                   THEN wishcast.json_time (j.next_at) END)
  FROM (SELECT count (*) AS n FROM wishcast.notification_refused
        WHERE job = j.id) r
$$;

-- How far the outbox has been told to others.
CREATE TABLE wishcast.outbox_position (
  reader text PRIMARY KEY,
  id bigint NOT NULL
);

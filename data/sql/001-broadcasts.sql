-- SPDX-License-Identifier: LGPL-2.1-or-later
--
-- Games, who may stream for them, and their broadcasts. Applied by
-- `wishcast db migrate` in one transaction; never edited once released, the
-- next change is the next file.

CREATE TABLE wishcast.game (
  id text PRIMARY KEY CHECK (id ~ '^[a-z0-9][a-z0-9-]{0,63}$'),
  title text NOT NULL CHECK (title <> '' AND length (title) <= 200),
  created_at timestamptz NOT NULL DEFAULT now ()
);

-- The highest rank (the lowest number) is shown first if several are live.
CREATE TABLE wishcast.broadcaster (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  game text NOT NULL REFERENCES wishcast.game ON DELETE CASCADE,
  name text NOT NULL CHECK (name <> '' AND length (name) <= 200),
  rank integer NOT NULL DEFAULT 100,
  UNIQUE (game, name)
);

-- Of a stream key only its public half, the id, and the SHA-256 of the whole.
CREATE TABLE wishcast.stream_key (
  id text PRIMARY KEY CHECK (id ~ '^[a-z2-7]{8}$'),
  broadcaster bigint NOT NULL
    REFERENCES wishcast.broadcaster ON DELETE CASCADE,
  hash bytea NOT NULL CHECK (length (hash) = 32),
  created_at timestamptz NOT NULL DEFAULT now (),
  expires_at timestamptz, -- a rotated key works until then
  revoked_at timestamptz
);
CREATE INDEX ON wishcast.stream_key (broadcaster);

CREATE FUNCTION wishcast.tell_keys () RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NOTIFY wishcast_keys;
  RETURN NULL;
END $$;

CREATE TRIGGER tell_keys
  AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON wishcast.stream_key
  FOR EACH STATEMENT EXECUTE FUNCTION wishcast.tell_keys ();
CREATE TRIGGER tell_keys
  AFTER UPDATE OR DELETE OR TRUNCATE ON wishcast.broadcaster
  FOR EACH STATEMENT EXECUTE FUNCTION wishcast.tell_keys ();
CREATE TRIGGER tell_keys
  AFTER UPDATE OR DELETE OR TRUNCATE ON wishcast.game
  FOR EACH STATEMENT EXECUTE FUNCTION wishcast.tell_keys ();

CREATE TABLE wishcast.broadcast (
  id uuid PRIMARY KEY,
  link text NOT NULL UNIQUE CHECK (link ~ '^[A-Za-z0-9_-]{1,64}$'),
  game text NOT NULL REFERENCES wishcast.game,
  broadcaster bigint REFERENCES wishcast.broadcaster ON DELETE SET NULL,
  title text NOT NULL DEFAULT '' CHECK (length (title) <= 200),
  visibility text NOT NULL DEFAULT 'public'
    CHECK (visibility IN ('public', 'hidden', 'rehearsal')),
  state text NOT NULL
    CHECK (state IN ('starting', 'live', 'interrupted', 'ended')),
  node text NOT NULL,       -- whose cache and origin have it
  origin_url text,          -- that origin, as other nodes reach it
  lease_until timestamptz,  -- while starting or live
  resume_until timestamptz, -- while interrupted
  end_requested_at timestamptz,
  end_reason text,
  health jsonb NOT NULL DEFAULT '[]', -- findings about what the publisher sends
  created_at timestamptz NOT NULL,
  started_at timestamptz, -- first live
  changed_at timestamptz NOT NULL,
  ended_at timestamptz
);
CREATE INDEX ON wishcast.broadcast (game, created_at DESC, id);
CREATE INDEX ON wishcast.broadcast (created_at DESC, id);
CREATE INDEX ON wishcast.broadcast (state) WHERE state <> 'ended';

-- RFC 3339 in UTC with milliseconds.
CREATE FUNCTION wishcast.json_time (t timestamptz)
RETURNS text LANGUAGE sql STABLE AS $$
  SELECT to_char (t AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- A broadcast as the API gives it (openapi.json, "Broadcast").
CREATE FUNCTION wishcast.broadcast_json (b wishcast.broadcast)
RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object (
    'link', b.link,
    'id', b.id,
    'game', jsonb_build_object ('id', g.id, 'title', g.title),
    'broadcaster', r.name,
    'rank', r.rank,
    'title', b.title,
    'state', b.state,
    'visibility', b.visibility,
    'node', b.node,
    'createdAt', wishcast.json_time (b.created_at),
    'startedAt', wishcast.json_time (b.started_at),
    'resumeUntil', wishcast.json_time (b.resume_until),
    'endedAt', wishcast.json_time (b.ended_at),
    'endReason', b.end_reason,
    'watch', '/watch/' || b.link,
    'playlist', '/live/' || b.link || '/master.m3u8',
    'poster', '/live/' || b.link || '/poster.jpg')
  FROM wishcast.game g
  LEFT JOIN wishcast.broadcaster r ON r.id = b.broadcaster
  WHERE g.id = b.game
$$;

-- Every change that the world may see, in the order of the commits.
CREATE TABLE wishcast.outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now (),
  event text NOT NULL, -- broadcast.starting, .live, .interrupted, .ended, .updated
  link text NOT NULL,
  game text NOT NULL,
  visibility text NOT NULL,
  data jsonb NOT NULL -- broadcast_json after the change
);

-- Who reads by `id > last` must not miss an id that was given out earlier and
-- committed later, so writers take turns. Changes are rare: a few a broadcast.
CREATE FUNCTION wishcast.write_outbox () RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  what text := NEW.state;
  written bigint;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF (NEW.state, NEW.title, NEW.visibility, NEW.resume_until)
       IS NOT DISTINCT FROM
       (OLD.state, OLD.title, OLD.visibility, OLD.resume_until) THEN
      RETURN NULL;
    END IF;
    IF NEW.state = OLD.state THEN
      what := 'updated';
    END IF;
  END IF;
  PERFORM pg_advisory_xact_lock (hashtext ('wishcast.outbox'));
  INSERT INTO wishcast.outbox (event, link, game, visibility, data)
    VALUES ('broadcast.' || what, NEW.link, NEW.game, NEW.visibility,
            wishcast.broadcast_json (NEW))
    RETURNING id INTO written;
  PERFORM pg_notify ('wishcast_events', written::text);
  RETURN NULL;
END $$;

CREATE TRIGGER write_outbox AFTER INSERT OR UPDATE ON wishcast.broadcast
  FOR EACH ROW EXECUTE FUNCTION wishcast.write_outbox ();

-- The one way to change the state of a broadcast. Changes of one node arrive in
-- order, perhaps long after they happened, perhaps twice, perhaps without those
-- in between: p_created_at and p_started_at say when it began and was first
-- live, as far as the node knows. Returns
--   written    it is so now (also if it was so before)
--   elsewhere  another node has the broadcast
--   ended      it has ended, for good
--   no-game    there is no such game
CREATE FUNCTION wishcast.set_state (
  p_id uuid, p_link text, p_game text, p_broadcaster bigint, p_title text,
  p_visibility text, p_node text, p_origin_url text, p_state text,
  p_at timestamptz, p_lease interval, p_resume_until timestamptz,
  p_reason text, p_created_at timestamptz DEFAULT NULL,
  p_started_at timestamptz DEFAULT NULL)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  b wishcast.broadcast;
  v_lease timestamptz :=
    CASE WHEN p_state IN ('starting', 'live') THEN now () + p_lease END;
  v_resume timestamptz :=
    CASE WHEN p_state = 'interrupted' THEN p_resume_until END;
  v_started timestamptz :=
    coalesce (p_started_at, CASE WHEN p_state = 'live' THEN p_at END);
BEGIN
  IF NOT EXISTS (SELECT FROM wishcast.game WHERE id = p_game) THEN
    RETURN 'no-game';
  END IF;
  SELECT * INTO b FROM wishcast.broadcast WHERE link = p_link FOR UPDATE;
  IF NOT FOUND THEN
    INSERT INTO wishcast.broadcast (id, link, game, broadcaster, title,
        visibility, state, node, origin_url, lease_until, resume_until,
        end_reason, created_at, started_at, changed_at, ended_at)
      VALUES (p_id, p_link, p_game,
        (SELECT id FROM wishcast.broadcaster WHERE id = p_broadcaster),
        p_title, p_visibility, p_state, p_node, p_origin_url, v_lease,
        v_resume, CASE WHEN p_state = 'ended' THEN p_reason END,
        coalesce (p_created_at, p_at), v_started, p_at,
        CASE WHEN p_state = 'ended' THEN p_at END)
      ON CONFLICT DO NOTHING;
    IF FOUND THEN
      RETURN 'written';
    END IF;
    SELECT * INTO b FROM wishcast.broadcast WHERE link = p_link FOR UPDATE;
  END IF;
  -- A sweeper that took the node for dead was wrong: the node knows better.
  IF b.state = 'ended' AND NOT (b.end_reason = 'node-lost' AND b.node = p_node)
  THEN
    RETURN CASE WHEN p_state = 'ended' THEN 'written' ELSE 'ended' END;
  END IF;
  IF b.node <> p_node THEN
    RETURN 'elsewhere';
  END IF;
  IF p_state = 'starting' AND b.state <> 'starting' THEN
    RETURN 'written';
  END IF;
  UPDATE wishcast.broadcast SET
    state = p_state,
    title = p_title,
    origin_url = coalesce (p_origin_url, origin_url),
    lease_until = v_lease,
    resume_until = v_resume,
    started_at = coalesce (started_at, v_started),
    changed_at = CASE WHEN state <> p_state THEN p_at ELSE changed_at END,
    ended_at = CASE WHEN p_state = 'ended' THEN p_at END,
    end_reason = CASE WHEN p_state = 'ended' THEN p_reason END
  WHERE link = p_link;
  RETURN 'written';
END $$;

-- Prolongs the leases of what a node has on air. Returns the links that the
-- database does not take for that: the node tells their state again.
CREATE FUNCTION wishcast.renew_leases (
  p_node text, p_links text[], p_lease interval)
RETURNS SETOF text LANGUAGE sql AS $$
  WITH renewed AS (
    UPDATE wishcast.broadcast SET lease_until = now () + p_lease
    WHERE node = p_node AND link = ANY (p_links)
      AND state IN ('starting', 'live')
    RETURNING link)
  SELECT unnest (p_links) EXCEPT SELECT link FROM renewed
$$;

-- What no node does for itself: a lease that ran out makes a broadcast
-- interrupted, a resume window that passed ends it. @p_grace is for the node
-- itself to be first. Any node may call it at any time.
CREATE FUNCTION wishcast.sweep (p_resume_window interval, p_grace interval)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  n integer;
  m integer;
BEGIN
  UPDATE wishcast.broadcast SET
    state = 'interrupted',
    changed_at = lease_until,
    resume_until = lease_until + p_resume_window,
    lease_until = NULL
  WHERE state IN ('starting', 'live') AND lease_until + p_grace < now ();
  GET DIAGNOSTICS n = ROW_COUNT;
  UPDATE wishcast.broadcast SET
    state = 'ended',
    changed_at = resume_until,
    ended_at = resume_until,
    end_reason = 'node-lost',
    resume_until = NULL
  WHERE state = 'interrupted' AND resume_until + p_grace < now ();
  GET DIAGNOSTICS m = ROW_COUNT;
  RETURN n + m;
END $$;

-- Asks the node that has it to end a broadcast. FALSE: there is none to end.
CREATE FUNCTION wishcast.request_end (p_link text)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE wishcast.broadcast
    SET end_requested_at = coalesce (end_requested_at, now ())
    WHERE link = p_link AND state <> 'ended';
  IF FOUND THEN
    PERFORM pg_notify ('wishcast_ends', p_link);
    RETURN true;
  END IF;
  RETURN false;
END $$;

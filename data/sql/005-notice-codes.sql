-- SPDX-License-Identifier: LGPL-2.1-or-later
--
-- What is wrong with a job, for programs: `problem` is for people.

-- Of `problem`, while there is one: late, unreachable, untrusted or status-NNN of
-- the webhook, broker, store, database; NULL: none of them.
ALTER TABLE wishcast.notification_job ADD COLUMN problem_code text;

DROP FUNCTION wishcast.postpone_notification (uuid, text, text, interval, text);

-- The job waits for @p_wait, or is given up with a reason. Nodes of before do not
-- know of codes.
CREATE FUNCTION wishcast.postpone_notification (
  p_id uuid, p_node text, p_problem text, p_wait interval, p_give_up text,
  p_code text DEFAULT NULL)
RETURNS void LANGUAGE sql AS $$
  UPDATE wishcast.notification_job SET
    lease_until = NULL,
    next_at = now () + p_wait,
    failures = failures + 1,
    problem = p_problem,
    problem_code = p_code,
    state = CASE WHEN p_give_up IS NULL THEN 'pending' ELSE 'cancelled' END,
    reason = p_give_up,
    finished_at = CASE WHEN p_give_up IS NOT NULL THEN now () END
  WHERE id = p_id AND node = p_node AND state = 'running'
$$;

-- A job as the API gives it (openapi.json, "Notification").
CREATE OR REPLACE FUNCTION wishcast.notification_json (j wishcast.notification_job)
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
    'problemCode', CASE WHEN j.problem IS NOT NULL THEN j.problem_code END,
    'nextAt', CASE WHEN j.state = 'pending'
                   THEN wishcast.json_time (j.next_at) END)
  FROM (SELECT count (*) AS n FROM wishcast.notification_refused
        WHERE job = j.id) r
$$;

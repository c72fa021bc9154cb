// SPDX-License-Identifier: LGPL-2.1-or-later

// What the fake answers to what it refuses.

// `isViolation`: no client that keeps to the protocol is ever told this.
export class Refusal extends Error {
  constructor(status, reason, message, { isViolation = false } = {}) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.isViolation = isViolation;
  }
}

export const violation = (message, status = 400, reason = 'invalid') =>
  new Refusal(status, reason, message, { isViolation: true });

export const json = (status, value, headers = {}) => ({
  status,
  headers: { 'content-type': 'application/json; charset=UTF-8', ...headers },
  body: JSON.stringify(value),
});

export const jsonError = ({ status, reason, message }) => json(status, {
  error: { code: status, message,
    errors: [{ message, domain: 'global', reason }] },
});

const escape = (text) => text.replace(/[&<>"]/g,
    (char) => `&#${char.charCodeAt(0)};`);

// As the XML API has it: `reason` is the code, `detail` elements more.
export function xmlError({ status, reason, message, detail = {} }) {
  const more = Object.entries(detail)
      .map(([name, text]) => `<${name}>${escape(text)}</${name}>`).join('');
  return {
    status,
    headers: { 'content-type': 'application/xml; charset=UTF-8' },
    body: `<?xml version='1.0' encoding='UTF-8'?><Error>` +
        `<Code>${reason}</Code><Message>${escape(message)}</Message>` +
        `${more}</Error>`,
  };
}

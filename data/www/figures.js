// SPDX-License-Identifier: LGPL-2.1-or-later

// Measures in words, beside those of i18n.js.

import { currentLanguage, formatDate, formatNumber } from './i18n.js';

const HALF_A_DAY = 12 * 3600 * 1000;
const BYTES = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];

export function formatBytes(value) {
  let i = 0;
  for (; value >= 1000 && i < BYTES.length - 1; i += 1)
    value /= 1000;
  return formatNumber(value, {
    style: 'unit', unit: BYTES[i],
    maximumFractionDigits: i > 0 && value < 10 ? 1 : 0,
  });
}

// Of a time in seconds that is short.
export function formatLatency(seconds) {
  const [value, unit] = seconds < 1 ?
    [seconds * 1000, 'millisecond'] : [seconds, 'second'];
  return formatNumber(value, {
    style: 'unit', unit, maximumFractionDigits: value < 10 ? 1 : 0,
  });
}

export const formatPercent = (part) =>
  formatNumber(part, { style: 'percent', maximumFractionDigits: 0 });

// `at`: as Date takes it.
export const formatTime = (at) =>
  new Intl.DateTimeFormat(currentLanguage(), { timeStyle: 'medium' })
      .format(new Date(at));

// Without the day, if that goes without saying.
export const formatSince = (at) =>
  Date.now() - new Date(at) < HALF_A_DAY ? formatTime(at) : formatDate(at);

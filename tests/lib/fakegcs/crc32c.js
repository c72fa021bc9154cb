// SPDX-License-Identifier: LGPL-2.1-or-later

// CRC-32C as Google Cloud Storage tells it.

import { crc32c } from '@node-rs/crc32';

const POLYNOMIAL = 0x82f63b78; // Castagnoli, lowest bit first

export const updateCrc = (crc, bytes) => crc32c(bytes, crc);

// Matrices of 32 columns over GF(2).
function multiply(matrix, vector) {
  let sum = 0;
  for (let i = 0; vector !== 0; i += 1, vector >>>= 1)
    if (vector & 1)
      sum ^= matrix[i];
  return sum >>> 0;
}

const square = (matrix) => matrix.map((column) => multiply(matrix, column));

// That of two texts side by side; `size` is that of the second, whose zeros the
// first has to be taken through.
export function combineCrc(first, second, size) {
  // What one bit 0 makes of a CRC, then one byte.
  let zeros = [POLYNOMIAL, ...Array.from({ length: 31 }, (_, i) => 2 ** i)];
  for (let i = 0; i < 3; i += 1)
    zeros = square(zeros);
  for (let left = BigInt(size); left > 0n; left >>= 1n) {
    if (left & 1n)
      first = multiply(zeros, first);
    zeros = square(zeros);
  }
  return (first ^ second) >>> 0;
}

// Base64 of four bytes, the highest first.
export function printCrc(crc) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc);
  return bytes.toString('base64');
}

// null for anything that is none.
export function parseCrc(text) {
  return typeof text === 'string' && /^[A-Za-z0-9+/]{6}==$/.test(text) ?
    Buffer.from(text, 'base64').readUInt32BE() : null;
}

// The value of `crc32c=` in X-Goog-Hash: undefined where there is none.
export function readHashHeader(headers) {
  const part = (headers['x-goog-hash'] ?? '').split(',')
      .map((text) => text.trim()).find((text) => text.startsWith('crc32c='));
  return part?.slice('crc32c='.length);
}

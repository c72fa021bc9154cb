// SPDX-License-Identifier: LGPL-2.1-or-later

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Asks until the answer is truthy, and gives it. An error counts as no, and is
// told if the time runs out.
export async function until(what, ask, seconds = 30) {
  const deadline = Date.now() + seconds * 1000;
  let last;
  do {
    try {
      last = undefined;
      const answer = await ask();
      if (answer)
        return answer;
    } catch (error) {
      last = error;
    }
    await pause(50);
  } while (Date.now() < deadline);
  throw new Error(`not within ${seconds} s: ${what}` +
      (last ? `\nlast: ${last.message}` : ''));
}

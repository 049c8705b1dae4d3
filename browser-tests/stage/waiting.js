// Waiting for what must become so.

const PAUSE = 20;
const LONGEST = 15_000;

const pause = () => new Promise((resolve) => { setTimeout(resolve, PAUSE); });

/** Looks again and again until `look` answers something true; answers that. `seen` tells what there
 * was instead, in the end. */
export const until = async (what, look, seen = () => "", longest = LONGEST) => {
  const start = performance.now();
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() - start > longest) throw new Error(`it was waited ${longest / 1000} s in vain for ${what} ${seen()}`);
    await pause();
  }
};

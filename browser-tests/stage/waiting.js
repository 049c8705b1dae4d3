// Waiting for what must become so.

const PAUSE = 20;
const LONGEST = 15_000;

const pause = () => new Promise((resolve) => { setTimeout(resolve, PAUSE); });

/** Looks again and again until `look` answers something true; answers that. */
export const until = async (what, look, longest = LONGEST) => {
  const start = performance.now();
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (performance.now() - start > longest) throw new Error(`it was waited ${longest / 1000} s in vain for ${what}`);
    await pause();
  }
};

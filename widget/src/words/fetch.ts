// Where do the texts of a language come from? Files of data next to panel.js, taken only as they were built.

/** Longer than that, English now is better than another language some time. */
const PATIENCE_MS = 5000;

/** What is in `<file>.json`. Rejects when it cannot be had with this hash, or not soon. */
export type FetchData = <Data>(file: string, sha256: string) => Promise<Data>;

export const dataFrom =
  (files: string): FetchData =>
  async (file, sha256) => {
    const integrity = `sha256-${sha256}`;
    const answer = await fetch(`${files}${file}.json`, { credentials: 'omit', integrity, signal: AbortSignal.timeout(PATIENCE_MS) });
    return answer.json();
  };

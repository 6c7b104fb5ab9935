/** A word, a quoted identifier without its quotes, a string constant with its quotes, or a single sign. */
export type Token = { readonly word: string; readonly quoted: boolean }

/** Of a statement that pg_dump wrote: it quotes every name that is no plain word. */
export const tokensOf = (sql: string): readonly Token[] =>
  [...sql.matchAll(/"((?:[^"]|"")+)"|'(?:[^']|'')*'|[\p{L}\p{N}_$]+|\S/gu)].map(([word, name]) =>
    name === undefined ? { word, quoted: false } : { word: name.replaceAll('""', '"'), quoted: true },
  )

/** Whether it is this keyword: pg_dump writes keywords in capitals, and quotes a name in capitals. */
export const is = (token: Token | undefined, ...words: readonly string[]): boolean =>
  token !== undefined && !token.quoted && words.includes(token.word)

/**
 * A table with its schema as one text: `public.orders`. A part that contains a dot or a quote is quoted as in
 * SQL, so that every text has one meaning; other parts stand as they are, whatever else they contain.
 */
export const qualifiedName = (schema: string, name: string): string => `${part(schema)}.${part(name)}`

const part = (name: string): string =>
  name === '' || /[."]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name

/** The parts of a qualified name, or of one without a schema: `"a.b".c` is `a.b` and `c`. */
export function partsOfName(text: string): readonly string[] {
  const parts = [...text.matchAll(/(?:^|\.)(?:"((?:[^"]|"")*)"(?=\.|$)|([^.]*))/g)]
  return parts.map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '')
}

/** The same as an SQL identifier, every part quoted. */
export const sqlName = (text: string): string =>
  partsOfName(text)
    .map((name) => `"${name.replaceAll('"', '""')}"`)
    .join('.')
